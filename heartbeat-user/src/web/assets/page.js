// Brings the parts together: what the node tells is shown, and so is its silence.

import { open, remember } from "./detail.js";
import { learn } from "./orders.js";
import { $, nameOf, render, renderHistory, say } from "./render.js";
import { follow, forgetToken, get } from "./stream.js";
import { askToken, forget } from "./token.js";
import { chosen, diagnosis, role } from "./words.js";

let status = null;
let trouble = null;
let quiet = 0;
let seenAt = 0;
let asked = "";

function told(event, value) {
  if (event === "trouble") {
    trouble = value.error;
  } else {
    trouble = null;
    announce(status, value);
    status = value;
    seenAt = performance.now();
    document.body.classList.remove("waiting", "locked");
    render(status);
    remember(status);
    askHistory();
  }
  link();
}

/** The history is asked for when something may have been added to it. */
async function askHistory() {
  const { role, epoch, master_slot, hooks, services, virtual_addresses } = status;
  const bearers = virtual_addresses.map((it) => it.slot_lease?.bearer);
  const now = JSON.stringify([role, epoch, master_slot, hooks.map((it) => [it.at, it.state]), services.map((it) => it.state), bearers]);
  if (now === asked) return;
  asked = now;
  const history = await get("api/v1/history");
  if (history) renderHistory(status, history);
  else asked = "";
}

/** What a screen reader is told. */
function announce(before, after) {
  if (!before) return;
  const news = [];
  if (before.master_slot !== after.master_slot) {
    news.push(after.master_slot === null ? "No master is known" : `${nameOf(after, after.master_slot)} is master`);
  }
  for (const member of after.members) {
    const old = before.members.find((it) => it.slot === member.slot);
    const word = diagnosis(member).word;
    if (old && diagnosis(old).word !== word) news.push(`${member.name}: ${word}`);
  }
  const isIn = (all, alarm) => all.alarms.some((it) => it.key === alarm.key);
  after.alarms.filter((it) => !isIn(before, it)).forEach((it) => news.push(`Alarm: ${it.text}`));
  before.alarms.filter((it) => !isIn(after, it)).forEach((it) => news.push(`Alarm over: ${role(it.name)}`));
  if (news.length) say($("announce"), news.join(". "));
}

/** Never shows old data as the present. */
function link() {
  const age = status && performance.now() - seenAt;
  const isLost = quiet > 0 || trouble !== null;
  document.body.classList.toggle("stale", isLost);
  const from = status ? nameOf(status, status.slot) : location.host;
  const old = status ? ` This page shows what was ${chosen(Math.floor(age / 1000) * 1e6)} ago.` : "";
  const why = quiet > 0 ? `No word from ${from}.` : `${from} cannot say: ${trouble}.`;
  $("lost").hidden = !isLost;
  if (isLost) say($("lost"), `${why}${old}${quiet > 0 ? " Trying again." : ""}`);
  say($("link-text"), isLost ? "not live" : status ? "live" : "connecting");
  const title = !status ? "heartbeatd" : status.master_slot === null ? "no master" : `${nameOf(status, status.master_slot)} is master`;
  document.title = `${isLost ? "not live: " : ""}${title}${status ? ` – ${status.cluster}` : ""}`;
}

function silent(ms) {
  quiet = ms;
  link();
}

/** A token that is refused is not kept, and nothing stays of what an earlier one showed. */
async function locked(why) {
  if (status) return new Promise(forget);
  forgetToken();
  await askToken(why, true);
}

$("members").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) open(Number(button.dataset.slot));
});
$("members").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const buttons = [...$("members").querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  buttons[(at + step + buttons.length) % buttons.length].focus();
});

const wanted = /^#slot-(\d+)$/.exec(location.hash);
if (wanted) open(Number(wanted[1]));
follow({ begun: learn, told, silent, locked });
