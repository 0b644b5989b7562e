// One member, looked at closely.

import { ask, offers } from "./orders.js";
import { get } from "./stream.js";
import { $, fill, h, shape } from "./render.js";
import { count, diagnosis, duration, role, short } from "./words.js";

const box = $("detail");
const SVG = "http://www.w3.org/2000/svg";
const AGAIN_MS = 1000;
const MOST_SEEN = 120;
const LEAST_SHOWN = 30;
const seen = new Map();
let shown = null;
let newest = null;

/** Round trips as this page saw them, for the picture of the last minutes. */
export function remember(status) {
  newest = status;
  for (const member of status.members) {
    const trips = seen.get(member.slot) ?? [];
    trips.push(member.answering === "missing" ? null : member.rtt_us);
    seen.set(member.slot, trips.slice(-MOST_SEEN));
  }
}

export function open(slot) {
  shown = slot;
  fill(box, [h("p", { class: "quiet" }, "asking…")]);
  if (!box.open) box.showModal();
  location.hash = `slot-${slot}`;
  refresh();
}

box.addEventListener("close", () => {
  shown = null;
  history.replaceState(null, "", location.pathname);
});
box.addEventListener("click", (event) => {
  const wanted = event.target.closest("[data-order]");
  if (wanted) ask(wanted.dataset.order, newest, shown);
  else if (event.target === box || event.target.closest(".close")) box.close();
});
setInterval(() => { if (shown !== null) refresh(); }, AGAIN_MS);

async function refresh() {
  const slot = shown;
  const told = await get(`api/v1/members/${slot}`);
  if (slot !== shown) return;
  box.classList.toggle("stale", !told);
  if (told) show(told);
}

function show({ member, answer, kernel }) {
  const { word, shape: kind, gravity } = diagnosis(member);
  const pair = (term, value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));
  const ages = [pair("address", member.address), pair("role", `${role(member.role)}${member.elector ? ", an elector" : ", no vote"}`)];
  if (member.last_reply_age_us !== null) ages.push(pair("last heard", `${duration(member.last_reply_age_us)} ago`));
  if (member.rtt_us !== null) ages.push(pair("round trip", duration(member.rtt_us)));
  if (answer) {
    ages.push(pair("newest answer", `${duration(answer.age_us)} ago, of ${count(answer.count)}`));
    ages.push(pair("its daemon’s beat before it", answer.daemon_age_us === null ? "none" : duration(answer.daemon_age_us)));
    ages.push(pair("its services found well before it", answer.service_age_us === null ? "not watched" : duration(answer.service_age_us)));
    ages.push(pair("configuration", answer.config_digest));
  }
  fill(box, [
    h("header", {},
      h("div", {}, h("p", { class: "label" }, `slot ${member.slot}`), h("h2", { id: "detail-title" }, member.name)),
      h("p", { class: "state" }, shape(kind, gravity), h("span", {}, word)),
      h("button", { type: "button", class: "close", "aria-label": "Close" }, "×")),
    h("dl", { class: "pairs" }, ...ages),
    offers(newest, member),
    figure("Round trip while this page was open", line(seen.get(member.slot) ?? [])),
    h("h3", {}, `What the kernel of slot ${kernel.slot} counted`),
    h("p", { class: "quiet" }, "Since its maps were made; over all members."),
    figure("Round trips", bars(kernel.round_trips)),
    figure("Gaps between probes", bars(kernel.gaps)),
    table("Heartbeat frames", kernel.verdicts),
    table("Packets of virtual addresses", kernel.gate_verdicts),
  ].filter((it) => it !== null));
}

const figure = (title, picture) => h("figure", {}, h("figcaption", {}, title), picture);

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.append(...children);
  return element;
}

const WIDTH = 400;
const HEIGHT = 96;

/** A histogram: every bucket between the first and the last that has something, two to the octave. */
function bars(buckets) {
  if (!buckets.length) return h("p", { class: "quiet" }, "none so far");
  const all = [];
  buckets.forEach((bucket, at) => {
    const before = buckets[at - 1];
    // Buckets that are not told are empty.
    for (let from = before?.below_ns ?? bucket.from_ns; from < bucket.from_ns;) {
      const octave = 2 ** Math.floor(Math.log2(from));
      all.push({ from_ns: from, count: 0 });
      from += octave / 2;
    }
    all.push(bucket);
  });
  const total = buckets.reduce((sum, it) => sum + it.count, 0);
  const most = Math.max(...buckets.map((it) => it.count));
  const width = WIDTH / all.length;
  // The square root keeps a rare outlier in sight.
  const high = (n) => n === 0 ? 0 : Math.max(2, Math.sqrt(n / most) * HEIGHT);
  const rects = all.map((it, at) => svg("rect", {
    x: (at * width + Math.min(1, width * 0.1)).toFixed(1), y: (HEIGHT - high(it.count)).toFixed(1),
    width: Math.max(1, width - 2).toFixed(1), height: high(it.count).toFixed(1), rx: 1.5,
  }, svg("title", {}, `from ${short(it.from_ns)}: ${count(it.count)}`)));
  let sum = 0;
  const median = buckets.find((it) => (sum += it.count) * 2 >= total);
  const last = buckets.at(-1);
  const told = `${count(total)} in all; half below ${short(median.below_ns ?? median.from_ns)}, the longest below ${short(last.below_ns ?? last.from_ns)}`;
  return h("div", {},
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": told }, ...rects),
    h("p", { class: "axis", "aria-hidden": "true" }, h("span", {}, short(all[0].from_ns)), h("span", {}, short(last.below_ns ?? last.from_ns))),
    h("p", { class: "quiet" }, told));
}

function line(trips) {
  const known = trips.filter((it) => it !== null);
  if (known.length < 2) return h("p", { class: "quiet" }, "none seen: only a master measures them");
  const most = Math.max(...known) * 1.1;
  const span = Math.max(trips.length, LEAST_SHOWN) - 1;
  const x = (at) => (at * WIDTH / span).toFixed(1);
  const points = trips.map((us, at) => us === null ? null : `${x(at)},${(HEIGHT - us / most * HEIGHT).toFixed(1)}`);
  const runs = points.reduce((all, point) => {
    if (point === null) all.push([]); else all.at(-1).push(point);
    return all;
  }, [[]]);
  const told = `between ${duration(Math.min(...known))} and ${duration(Math.max(...known))}`;
  return h("div", {},
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": told },
      ...runs.filter((run) => run.length).map((run) => svg("polyline", { points: run.join(" "), "vector-effect": "non-scaling-stroke" }))),
    h("p", { class: "quiet" }, told));
}

function table(title, counters) {
  const some = counters.filter((it) => it.count > 0).sort((a, b) => b.count - a.count);
  if (!some.length) return h("p", { class: "quiet" }, `${title}: none so far`);
  return h("table", {}, h("caption", {}, title),
    h("tbody", {}, ...some.map((it) => h("tr", {}, h("th", { scope: "row" }, role(it.name)), h("td", {}, count(it.count))))));
}
