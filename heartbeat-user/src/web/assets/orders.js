// Orders: offered to who may give them, asked about once more, and told how they ended.

import { $, fill, h, named, nameOf, say, shape } from "./render.js";
import { forgetToken, get, give, hasToken } from "./stream.js";
import { askToken } from "./token.js";
import { diagnosis } from "./words.js";

const AGAIN_MS = 1000;
const LOOKS = 25;
const LOOK_MS = 200;
/** The order went to another node than the one it was for. */
const ASTRAY = 412;

const box = $("order-box");
let may = { possible: false, refused: null };
let order = null;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const isAllowed = () => may.possible && may.refused === null;
const who = (status, slot) => named(status, `slot ${slot}`);

/** Asks the node whether this page may give it orders. */
export async function learn() {
  const told = await get("api/v1/orders");
  if (!told) {
    setTimeout(learn, AGAIN_MS);
    return;
  }
  may = told;
  $("enter").hidden = !may.possible || isAllowed();
  $("forget").hidden = !hasToken();
  $("order-hint").hidden = !isAllowed();
}

$("enter").addEventListener("click", async () => {
  while (!isAllowed() && await askToken(may.refused, false)) {
    await learn();
    if (!isAllowed()) forgetToken();
  }
  learn();
});

/** What may be ordered at this member, or why nothing; null for who may order nothing at all. */
export function offers(status, member) {
  if (!isAllowed() || status === null) return null;
  return h("div", { class: "offers" }, ...member.slot === status.slot ? ofItself(status) : ofAnother(status, member));
}

const button = (kind, text) => h("button", { type: "button", "data-order": kind }, text);
const note = (text) => h("p", { class: "quiet" }, text);

function ofItself(status) {
  return [status.maintenance ? button("end", "End maintenance…") : button("begin", "Begin maintenance…")];
}

function ofAnother(status, member) {
  const master = status.master_slot;
  if (member.slot === master) return [note(`${member.name} takes orders by its own page.`)];
  if (master !== status.slot) return [note(master === null ? "Nobody can hand mastership over: no master is known." : `Only ${nameOf(status, master)} can hand mastership over, by its own page.`)];
  if (!member.elector || member.role === "witness") return [note(`${member.name} never becomes master.`)];
  const { word, gravity } = diagnosis(member);
  if (gravity !== "good") return [note(`${member.name} cannot be made master: ${word}.`)];
  return [button("switchover", `Make ${member.name} master…`)];
}

const ORDERS = {
  switchover: (status, slot) => ({
    title: `Make ${nameOf(status, slot)} master?`,
    what: `In cluster ${status.cluster}, ${who(status, status.slot)} hands mastership to ${who(status, slot)}: the addresses of the master move there, and connections to them end.`,
    yes: `Make ${nameOf(status, slot)} master`,
    path: "api/v1/switchover",
    body: { to: slot, at: status.slot },
    isDone: (now) => now.master_slot === slot,
    done: `${who(status, slot)} is master`,
    see: "see above who is master before you order it again",
  }),
  begin: (status, slot) => ({
    title: `Begin maintenance of ${nameOf(status, slot)}?`,
    what: `In cluster ${status.cluster}, ${who(status, slot)} ${status.master_slot === slot ? "hands mastership on and does" : "does"} not become master until its maintenance ends.`,
    yes: "Begin maintenance",
    path: "api/v1/maintenance",
    body: { on: true, at: slot },
    isDone: (now) => now.slot === slot && now.maintenance,
    done: `${who(status, slot)} is in maintenance`,
    see: `the own page of ${nameOf(status, slot)} says whether it is in maintenance`,
  }),
  end: (status, slot) => ({
    title: `End maintenance of ${nameOf(status, slot)}?`,
    what: `In cluster ${status.cluster}, ${who(status, slot)} may become master again.`,
    yes: "End maintenance",
    path: "api/v1/maintenance",
    body: { on: false, at: slot },
    isDone: (now) => now.slot === slot && !now.maintenance,
    done: `${who(status, slot)} may become master again`,
    see: `the own page of ${nameOf(status, slot)} says whether it is in maintenance`,
  }),
};

/** Says what will happen, and lets who looks choose. */
export function ask(kind, status, slot) {
  order = { ...ORDERS[kind](status, slot), status };
  say($("order-title"), order.title);
  say($("order-what"), order.what);
  say($("order-yes"), order.yes);
  say($("order-no"), "Change nothing");
  $("order-yes").hidden = false;
  fill($("order-outcome"), []);
  box.showModal();
}

$("order-no").addEventListener("click", () => box.close());
$("order-yes").addEventListener("click", async () => {
  const given = order;
  $("order-yes").hidden = true;
  say($("order-no"), "Close");
  $("order-no").focus();
  tell("ring", "dim", "Ordered, and not answered yet.");
  const [kind, gravity, text] = await outcome(given);
  tell(kind, gravity, named(given.status, text));
  // How it ended is told to who closed it too early.
  if (!box.open) box.showModal();
  learn();
});

const tell = (kind, gravity, text) => fill($("order-outcome"), [shape(kind, gravity), h("span", {}, text)]);

/**
 * An order that moves the address which it came by is carried out and not answered, and the browser may have sent it
 * to the next master then: so what became of it is seen, not only told.
 */
async function outcome({ path, body, isDone, done, see }) {
  const answer = await give(path, body);
  if (answer.done) return ["disc", "good", `Done: ${answer.done}.`];
  const isRefused = answer.error && answer.status !== ASTRAY;
  for (let looks = isRefused ? 1 : LOOKS; looks > 0; looks -= 1) {
    const now = await get("api/v1/status");
    if (now && isDone(now)) return ["disc", "good", `Done: ${done}.`];
    if (looks > 1) await pause(LOOK_MS);
  }
  if (isRefused) return ["cross", "bad", `Refused: ${answer.error}.`];
  return ["triangle", "warn", `No answer came, so it is not known whether it was done: ${see}.`];
}
