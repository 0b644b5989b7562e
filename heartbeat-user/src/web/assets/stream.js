// What the node tells, as it tells it, and how long it has told nothing.

const QUIET_MS = 2500;
const RETRY_MS = 400;
const LOOK_MS = 250;
const TOKEN = "heartbeatd-token";

const lines = () => {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { Authorization: `Bearer ${token}` } : {};
};

export const useToken = (token) => sessionStorage.setItem(TOKEN, token);

/** A value of the API; null if it cannot be had now. */
export async function get(path) {
  try {
    const answer = await fetch(path, { headers: lines(), cache: "no-store", signal: AbortSignal.timeout(QUIET_MS) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/**
 * Follows the node for ever. `told` gets each event's name and value, `silent` how long it has been silent in
 * milliseconds (0: it speaks), `locked` why a token is needed, and returns when there is one.
 */
export function follow({ told, silent, locked }) {
  let heard = performance.now();
  let call = new AbortController();
  const listen = async () => {
    for (;;) {
      call = new AbortController();
      try {
        const answer = await fetch("api/v1/events", { headers: lines(), cache: "no-store", signal: call.signal });
        if (answer.status === 401) {
          await locked((await answer.json()).error);
          continue;
        }
        if (!answer.ok) throw new Error(answer.statusText);
        await read(answer.body, () => { heard = performance.now(); }, told);
      } catch {
        // Told by `silent`: what matters is for how long.
      }
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  };
  setInterval(() => {
    const quiet = performance.now() - heard;
    silent(quiet > QUIET_MS ? quiet : 0);
    if (quiet > QUIET_MS && quiet % QUIET_MS < LOOK_MS) call.abort();
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
