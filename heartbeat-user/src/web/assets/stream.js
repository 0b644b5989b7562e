// What the node tells, as it tells it, and how long it has told nothing.

const QUIET_MS = 2500;
/** Longer than a node waits for what it orders. */
const ORDER_MS = 8000;
const RETRY_MS = 400;
/** Where a node spoke until now, another may be in its place already. */
const SOON_MS = 50;
const LOOK_MS = 250;
const TOKEN = "heartbeatd-token";

const lines = () => {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { Authorization: `Bearer ${token}` } : {};
};

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;
export const useToken = (token) => sessionStorage.setItem(TOKEN, token);
export const forgetToken = () => sessionStorage.removeItem(TOKEN);

/** A value of the API; null if it cannot be had now. */
export async function get(path) {
  try {
    const answer = await fetch(path, { headers: lines(), cache: "no-store", signal: AbortSignal.timeout(QUIET_MS) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** Gives an order: the answer's status, and `done` or `error` as the node says it; nothing if no answer came. */
export async function give(path, body) {
  try {
    const headers = { ...lines(), "Content-Type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), cache: "no-store", signal: AbortSignal.timeout(ORDER_MS) });
    return { status: answer.status, ...await answer.json() };
  } catch {
    return {};
  }
}

/**
 * Follows the node for ever. `begun` is called at each beginning, `told` gets each event's name and value, `silent` how
 * long it has been silent in milliseconds (0: it speaks), `locked` why a token is needed, and returns when there is one.
 */
export function follow({ begun, told, silent, locked }) {
  let heard = performance.now();
  let called = heard;
  let isLocked = false;
  let call = new AbortController();
  const listen = async () => {
    for (;;) {
      call = new AbortController();
      called = performance.now();
      let rest = RETRY_MS;
      try {
        const answer = await fetch("api/v1/events", { headers: lines(), cache: "no-store", signal: call.signal });
        if (answer.status === 401) {
          const { error } = await answer.json();
          isLocked = true;
          await locked(error);
          isLocked = false;
          continue;
        }
        if (!answer.ok) throw new Error(answer.statusText);
        rest = SOON_MS;
        begun();
        await read(answer.body, () => { heard = performance.now(); }, told);
      } catch {
        // Told by `silent`: what matters is for how long.
      }
      await new Promise((done) => setTimeout(done, rest));
    }
  };
  setInterval(() => {
    // Who is not let in is told nothing: that is no silence.
    const now = performance.now();
    if (isLocked) heard = now;
    const quiet = now - heard;
    silent(quiet > QUIET_MS ? quiet : 0);
    // Each attempt has its time, whenever the one before it was given up.
    if (now - Math.max(heard, called) > QUIET_MS) call.abort();
  }, LOOK_MS);
  listen();
}

async function read(body, heard, told) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    text += value;
    const frames = text.split("\n\n");
    text = frames.pop();
    for (const frame of frames) {
      const fields = new Map(frame.split("\n").map((line) => {
        const at = line.indexOf(": ");
        return [line.slice(0, at), line.slice(at + 2)];
      }));
      if (fields.has("data")) told(fields.get("event"), JSON.parse(fields.get("data")));
    }
  }
}
