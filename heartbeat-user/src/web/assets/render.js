// From a status to what stands on the page. What stays the same is not touched: focus and selection stay with it.

import { between, chosen, clock, count, diagnosis, duration, GUARANTEES, list, role } from "./words.js";

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const shape = (kind, gravity) => h("span", { class: `shape ${kind} ${gravity}`, "aria-hidden": "true" });

/** Replaces the children of `box` where they are not as before. */
export function fill(box, children) {
  const old = [...box.children];
  children.forEach((child, place) => {
    const there = old[place];
    if (!there) box.append(child);
    else if (there.outerHTML !== child.outerHTML) there.replaceWith(child);
  });
  old.slice(children.length).forEach((child) => child.remove());
}

const pair = (term, ...value) => h("div", {}, h("dt", {}, term), h("dd", {}, ...value));

/** A text of the election, which knows slots only, with the members' names beside them. */
export const named = (status, text) => text.replace(/\bslot (\d+)\b(?! \()/g, (words, slot) => {
  const name = status.members.find((it) => it.slot === Number(slot))?.name;
  return name === undefined ? words : `${words} (${name})`;
});

export const nameOf = (status, slot) => status.members.find((it) => it.slot === slot)?.name ?? `slot ${slot}`;

export function render(status) {
  const own = nameOf(status, status.slot);
  say($("cluster"), status.cluster);
  say($("seen-from"), own);
  say($("version"), `, slot ${status.slot}, heartbeatd ${status.version}`);
  document.querySelectorAll(".own").forEach((it) => say(it, own));
  hero(status);
  alarms(status);
  members(status);
  addresses(status);
  watched(status);
  machine(status);
}

function hero(status) {
  const master = status.master_slot;
  const isLost = master === null;
  $("hero").classList.toggle("none", isLost);
  say($("headline"), isLost ? "No master is known" : `${nameOf(status, master)} is master`);
  const next = status.successor_slot;
  const follows = next === null ? "Nobody could follow it." : `${nameOf(status, next)} follows if it is lost.`;
  say($("subline"), isLost ? "Nobody serves the virtual addresses until a node is elected." : follows);
  const enough = status.electors_answering >= status.majority;
  const lease = status.lease_remaining_us === null
    ? `${chosen(status.lease_us)}, kept by the master`
    : `${chosen(status.lease_us)}, renewed every ${chosen(status.period_us)}`;
  fill($("facts"), [
    pair("round", count(status.epoch.round)),
    pair("lease", isLost ? "nobody’s" : lease),
    pair("guarantee", h("b", {}, status.guarantee), `: ${GUARANTEES[status.guarantee] ?? ""}`),
    pair("electors", shape(enough ? "disc" : "cross", enough ? "good" : "bad"),
      `${status.electors_answering} of ${status.electors.length} answer, ${status.majority} needed`),
  ]);
}

function alarms(status) {
  $("alarm-section").hidden = status.alarms.length === 0;
  fill($("alarms"), status.alarms.map((alarm) => h("li", {},
    shape("triangle", "bad"),
    h("div", {},
      h("p", {}, h("b", {}, role(alarm.name)), alarm.since ? h("span", { class: "quiet" }, ` since ${clock(alarm.since, status.now)}`) : null),
      h("p", {}, alarm.text),
      alarm.cure ? h("p", { class: "cure" }, alarm.cure) : null))));
}

function members(status) {
  const box = $("members");
  const many = status.members.length > 12;
  box.classList.toggle("many", many);
  const missing = status.members.filter((it) => it.answering === "missing");
  const ill = status.members.filter((it) => diagnosis(it).gravity === "warn");
  const names = (some) => some.length > 6 ? `${some.length} of ${status.members.length}` : list(some.map((it) => it.name));
  const parts = [];
  if (missing.length) parts.push(`${names(missing)} ${missing.length === 1 ? "is" : "are"} missing`);
  if (ill.length) parts.push(`${names(ill)} ${ill.length === 1 ? "is" : "are"} not well`);
  say($("tally"), parts.join("; ") || (status.members.some((it) => it.answering === null)
    ? `${status.members.length} members; each node judges the others when it is master`
    : `all ${status.members.length} answer`));
  $("tally").classList.toggle("bad", missing.length > 0);
  for (const member of status.members) {
    const id = `slot-${member.slot}`;
    let cell = $(id);
    if (!cell) {
      cell = h("li", { id }, h("button", { type: "button", "data-slot": member.slot }));
      box.append(cell);
    }
    const { word, shape: kind, gravity } = diagnosis(member);
    const isMaster = member.slot === status.master_slot;
    cell.className = `${gravity}${isMaster ? " master" : ""}${member.slot === status.slot ? " this" : ""}`;
    fill(cell.firstChild, [
      h("span", { class: "slot" }, h("span", { class: "unseen" }, "slot "), `${member.slot}`),
      h("span", { class: "name" }, member.name),
      h("span", { class: "role" }, isMaster ? "master" : role(member.role === "master" ? "slave" : member.role),
        member.elector ? null : h("span", { class: "quiet" }, " no vote")),
      h("span", { class: "state" }, shape(kind, gravity), h("span", {}, word)),
      h("span", { class: "rtt" }, ...heard(status, member, gravity)),
    ]);
  }
  const known = new Set(status.members.map((it) => `slot-${it.slot}`));
  [...box.children].forEach((cell) => { if (!known.has(cell.id)) cell.remove(); });
}

function heard(status, member, gravity) {
  if (gravity === "bad") {
    return [member.last_reply_age_us === null ? "never heard" : `silent for ${duration(member.last_reply_age_us)}`];
  }
  if (member.rtt_us !== null) return [duration(member.rtt_us), h("span", { class: "more" }, " round trip")];
  return [member.slot === status.slot ? "this node" : "\u00a0"];
}

/** Who bears an address that goes by its slot's lease: in words, whether that is as it should be, and whether it is here. */
function bearer(status, it) {
  const { bearer: who, left_us: left, taken_over_us: since } = it.slot_lease;
  const [own, master] = [nameOf(status, it.follows_slot), nameOf(status, status.master_slot)];
  const lasts = left === null ? "" : `, whose lease lasts ${duration(left)} more`;
  const atHome = it.follows_slot === status.slot;
  if (who === "slot") return { words: `borne by ${own} itself${lasts}`, look: ["disc", "good"], here: atHome };
  if (who === "master") return { words: `borne by ${master}, the master, in place of ${own}, for ${duration(since)}`, look: ["triangle", "warn"], here: true };
  if (who === "nobody") return { words: `borne by nobody: the lease of ${own} is over`, look: ["cross", "bad"], here: false };
  const words = left === null ? `borne by ${own}, or by the master in its place: the master knows`
    : `borne by ${own} if the master before granted it a lease: that lasts ${duration(left)} more at most`;
  return { words, look: ["ring", "dim"], here: false };
}

function leased(status, it) {
  const { words, look, here } = bearer(status, it);
  const good = it.held === here && it.gate_open === here;
  const seen = it.verified?.ours ? `, seen by ${nameOf(status, it.verified.by_slot)}` : "";
  return h("li", {},
    shape(...(good ? look : ["triangle", "warn"])),
    h("div", {}, h("b", { class: "mono" }, it.address),
      h("span", { class: "quiet" }, ` belongs to slot ${it.follows_slot}, else to the master`),
      h("p", {}, words),
      h("p", {}, `${it.held ? `held here, on ${it.interface}` : "not held here"}; its gate here is ${it.gate_open ? "open" : "shut"}${seen}`)));
}

function addresses(status) {
  const rows = status.virtual_addresses.map((it) => {
    if (it.slot_lease) return leased(status, it);
    const owner = it.follows_slot ?? status.master_slot;
    const where = it.held ? `held here, on ${it.interface}` : owner === null ? "held by nobody"
      : owner === status.slot ? "not held, though it belongs here" : `not here: it is ${nameOf(status, owner)}’s`;
    const here = owner === status.slot;
    const good = it.held === here && it.gate_open === here;
    const seen = it.verified?.ours ? `, seen by ${nameOf(status, it.verified.by_slot)}` : "";
    return h("li", {},
      shape(good ? (here ? "disc" : "ring") : "triangle", good ? (here ? "good" : "dim") : "warn"),
      h("div", {}, h("b", { class: "mono" }, it.address),
        h("span", { class: "quiet" }, it.follows_slot === null ? " follows the master" : ` belongs to slot ${it.follows_slot}`),
        h("p", {}, `${where}; its gate here is ${it.gate_open ? "open" : "shut"}${seen}`)));
  });
  fill($("addresses"), rows.length ? rows : [h("li", { class: "quiet" }, "none is configured")]);
}

const SERVICE = {
  healthy: ["disc", "good"], starting: ["ring", "dim"], not_watched: ["ring", "dim"],
  recovering: ["triangle", "warn"], lost: ["cross", "bad"],
};
const HOOK = { waiting: ["ring", "dim"], running: ["ring", "dim"], succeeded: ["disc", "good"], failed: ["cross", "bad"] };

function watched(status) {
  $("service-section").hidden = status.services.length === 0;
  fill($("services"), status.services.map((it) => h("li", {},
    shape(...(SERVICE[it.state] ?? ["triangle", "warn"])),
    h("div", {}, h("b", {}, it.name), ` ${role(it.state)} `, h("span", { class: "quiet" }, `by ${it.check}`),
      it.fault ? h("p", {}, it.fault) : null,
      it.attempts ? h("p", { class: "quiet" }, `attempts to bring it back: ${it.attempts}`) : null))));
  $("hook-section").hidden = status.hooks.length === 0;
  fill($("hooks"), status.hooks.map((it) => h("li", {},
    shape(...(HOOK[it.state] ?? ["triangle", "warn"])),
    h("div", {}, h("b", { class: "mono" }, it.hook), ` ${role(it.state)} `,
      h("span", { class: "quiet" }, `${clock(it.at, status.now)}${it.took_us === null ? "" : `, took ${duration(it.took_us)}`}`),
      h("p", {}, it.fault ? `${it.fault}: ${it.reason}` : it.reason)))));
}

function machine(status) {
  const answers = [status.datapath, status.business_datapath].filter(Boolean).map((it) => `${it.interface} (${it.mode})`);
  const standing = status.maintenance ? "in maintenance: it does not become master"
    : status.electable ? "could become master now" : `could not become master: ${role(status.not_electable ?? "unknown")}`;
  const local = status.local;
  fill($("machine"), [
    pair("role", `${role(status.role)}: ${named(status, status.reason)}`),
    pair("standing", standing),
    pair("answers in the kernel on", list(answers) || "nothing: the management interface is not there"),
    pair("heartbeats go by", status.degraded ? "the business network: the management network fails" : "the management network"),
    pair("turns late by", `${duration(local.median_lateness_us)} in the median, ${duration(local.worst_lateness_us)} at worst`),
  ]);
  fill($("warnings"), status.warnings.map((text) => h("li", {}, shape("triangle", "warn"), h("span", {}, text))));
}

const MOST_MASTERSHIPS = 8;
const MOST_EVENTS = 10;

export function renderHistory(status, history) {
  const last = history.masterships.slice(-MOST_MASTERSHIPS).reverse();
  fill($("masterships"), last.length ? last.map((it) => h("li", { class: it.until ? "" : "now" },
    h("span", { class: "when", title: it.from }, clock(it.from, history.now)),
    h("span", {}, h("b", {}, nameOf(status, it.slot)), h("span", { class: "quiet" }, ` round ${count(it.epoch.round)}`)),
    h("span", { class: "long" }, it.until ? `for ${duration(between(it.from, it.until))}` : "now")))
    : [h("li", { class: "quiet" }, "none is known")]);
  const events = history.events.slice(-MOST_EVENTS).reverse();
  fill($("events"), events.length ? events.map((it) => h("li", {},
    h("span", { class: "when", title: it.at }, clock(it.at, history.now)),
    h("div", {}, h("b", {}, named(status, what(it))), h("p", {}, named(status, because(it))))))
    : [h("li", { class: "quiet" }, "nothing so far")]);
}

const SLOT_CHANGES = {
  lease_held: "the master granted the slot’s lease",
  lease_over: "the slot’s lease ended without the master granting more",
  taken_over: "the slot’s lease is over: its machine asks for no more",
  given_back: "the slot’s machine asked for them",
};

function because(event) {
  if (event.slot_addresses) return SLOT_CHANGES[event.change] ?? "";
  if (event.first_master) return event.cause ?? "";
  return event.fault ? `${event.fault}: ${event.reason}` : event.reason;
}

function what(event) {
  if (event.service) return `${event.service}: ${role(event.to)}`;
  if (event.hook) return `${event.hook} ${role(event.state)}`;
  if (event.first_master) return `the master before, slot ${event.first_master}: ${role(event.diagnosis)}`;
  if (event.slot_addresses) return `the addresses of slot ${event.slot_addresses}: ${role(event.change)}`;
  return `${role(event.from)} → ${role(event.to)}`;
}
