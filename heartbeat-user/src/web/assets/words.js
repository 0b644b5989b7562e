// Numbers, times and words as a person reads them.

const UNITS = [[86400e6, "d", 3600e6, "h"], [3600e6, "h", 60e6, "min"], [60e6, "min", 1e6, "s"]];

/** A duration in microseconds, in the unit that suits it: 41.2 ms, 3.0 s, 2 min 5 s. */
export function duration(us) {
  for (const [unit, name, part, partName] of UNITS) {
    if (us >= unit) return `${Math.floor(us / unit)} ${name} ${Math.floor((us % unit) / part)} ${partName}`;
  }
  if (us >= 1e6) return `${(us / 1e6).toFixed(1)} s`;
  if (us >= 1e3) return `${(us / 1e3).toFixed(1)} ms`;
  return `${Math.round(us)} µs`;
}

/** The same of one that was chosen: 50 ms, and not 50.0 ms. */
export const chosen = (us) => duration(us).replace(".0 ", " ");

/** A duration in nanoseconds, with as few digits as a graph's axis has room for. */
export function short(ns) {
  for (const [unit, name] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
    if (ns >= unit) return `${Number((ns / unit).toPrecision(2))} ${name}`;
  }
  return `${ns} ns`;
}

const number = new Intl.NumberFormat("en");
export const count = (value) => number.format(value);

/** What the wall clock of the node said, in this browser's zone. */
export function clock(text, now) {
  const at = new Date(text);
  const time = at.toLocaleTimeString([], { hour12: false });
  const isToday = at.toDateString() === new Date(now).toDateString();
  return isToday ? time : `${at.toLocaleDateString([], { month: "short", day: "numeric" })} ${time}`;
}

/** Microseconds between two times of the node's wall clock. */
export const between = (from, until) => Math.max(0, (new Date(until) - new Date(from)) * 1000);

/** `a`, `a and b`, `a, b and c`. */
export function list(items) {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** Word, shape and gravity of what is wrong with a member. */
const DIAGNOSES = {
  healthy: ["healthy", "disc", "good"],
  unknown: ["not judged yet", "ring", "dim"],
  down: ["down", "cross", "bad"],
  management_fault: ["management network", "diamond", "bad"],
  daemon_stalled: ["daemon stalled", "triangle", "warn"],
  service_fault: ["service fault", "triangle", "warn"],
  business_fault: ["business network", "diamond", "warn"],
  misconfigured: ["other configuration", "triangle", "warn"],
};
const sentence = (word) => word.replaceAll("_", " ");

export function diagnosis(member) {
  const known = DIAGNOSES[member.diagnosis] ?? [sentence(member.diagnosis), "triangle", "warn"];
  const [word, shape, gravity] = known;
  // One that stopped a moment ago is not diagnosed yet.
  if (member.answering === "missing" && gravity !== "bad") return { word: "missing", shape: "cross", gravity: "bad" };
  return { word, shape, gravity };
}

export const role = sentence;

export const GUARANTEES = {
  quorum: "a majority of electors grants the lease",
  forced: "an operator’s word only, until a majority grants again",
  evidence: "evidence that the peer is lost",
  fenced: "the fence command stopped the peer",
};
