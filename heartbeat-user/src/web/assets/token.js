// Who looks is asked for the node's token. It stays in this tab, and goes when they say so.

import { $, say } from "./render.js";
import { forgetToken, useToken } from "./stream.js";

const box = $("token-box");
let isNeeded = false;
let waiting = null;

/**
 * Asks for the token and says why: true once it is given, false if who looks would rather not. Where it is needed to
 * see anything, nothing else is shown and there is no way round.
 */
export function askToken(why, needed) {
  isNeeded = needed;
  document.body.classList.toggle("locked", needed);
  say($("token-why"), why);
  say($("token-yes"), needed ? "Show the cluster" : "Give orders");
  $("token-no").hidden = needed;
  box.showModal();
  return new Promise((done) => { waiting = done; });
}

/** Begins anew with nothing in memory: what was seen by the token goes with it. */
export function forget() {
  forgetToken();
  history.replaceState(null, "", location.pathname);
  location.reload();
}

function end(isGiven) {
  const done = waiting;
  waiting = null;
  $("token").value = "";
  box.close();
  done(isGiven);
}

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useToken($("token").value);
  end(true);
});
$("token-no").addEventListener("click", () => end(false));
box.addEventListener("close", () => {
  // By the escape key.
  if (waiting === null) return;
  if (isNeeded) box.showModal();
  else end(false);
});
$("forget").addEventListener("click", forget);
