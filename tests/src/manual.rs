//! The pages of docs/ as their tests read them: fenced blocks, and what a reader is to type and to see.

/// Programs that a page tells its reader to run, in blocks without a language.
const PROGRAMS: [&str; 11] = [
    "heartbeatctl",
    "heartbeatd",
    "cargo",
    "bpftool",
    "ethtool",
    "curl",
    "systemctl",
    "ip",
    "apt",
    "dnf",
    "journalctl",
];

/// How commands begin that no test types as they stand on the page, and why not.
pub const NOT_TYPED: [(&str, &str); 12] = [
    ("cargo ", "what it builds or runs is what runs the tests"),
    (
        "apt install ",
        "the tests of the packages install one, on a system of its own",
    ),
    (
        "dnf install ",
        "no Fedora is to be had; the tests of the packages look into the .rpm",
    ),
    (
        "journalctl ",
        "the lab has no journal; the journal's own tests read what is sent to one",
    ),
    (
        "heartbeatctl bundle",
        "it writes into the folder that it is typed in; the scenario tune has one for it",
    ),
    (
        "heartbeatctl top",
        "it draws until its reader ends it; its own tests have a terminal",
    ),
    (
        "heartbeatctl info watch",
        "it has no end; the scenario info has one that is ended",
    ),
    (
        "heartbeatctl info put shards/7 n3 --if-revision 41",
        "the page's revision; the scenario info has others",
    ),
    (
        "heartbeatctl replay",
        "it needs a record; the scenario recorded makes one",
    ),
    (
        "bpftool map dump pinned /sys/fs/bpf/heartbeatd/<cluster>",
        "a pattern; maps.md has the commands",
    ),
    (
        "ethtool ",
        "it sets a network card's offload, and the lab has no cards",
    ),
    (
        "curl ",
        "it needs [http]; the status page's own tests ask the same",
    ),
];

/// A fenced block of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What stands behind its opening fence: `toml`, `console`, nothing.
    pub language: String,
    /// Its lines, without the indentation of a list that it stands in.
    pub lines: Vec<String>,
}

/// Something to type on some machines, and what is seen then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the prompt names: a machine's name, or `all`.
    pub machine: String,
    /// What stands behind the prompt.
    pub command: String,
    /// The lines below it.
    pub seen: Vec<String>,
}

/// Every fenced block of a page, from the top.
#[must_use]
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for line in page.lines() {
        let text = line.trim_start();
        let Some(language) = text.strip_prefix("```") else {
            if let Some((indent, block)) = &mut open {
                let hidden = line.len().min(*indent);
                block.lines.push(line[hidden..].to_owned());
            }
            continue;
        };
        match open.take() {
            Some((_, block)) => blocks.push(block),
            None => {
                let block = Block {
                    language: language.to_owned(),
                    lines: Vec::new(),
                };
                open = Some((line.len() - text.len(), block));
            }
        }
    }
    blocks
}

impl Block {
    /// Its text, each line ended.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// What is typed in a `console` block: lines that begin with `machine# `.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for line in &self.lines {
            match (prompt(line), steps.last_mut()) {
                (Some((machine, command)), _) => steps.push(Step {
                    machine: machine.to_owned(),
                    command: command.to_owned(),
                    seen: Vec::new(),
                }),
                (None, Some(step)) => step.seen.push(line.clone()),
                (None, None) => {}
            }
        }
        steps
    }
}

/// The commands in a page's blocks without a language, without their comments.
#[must_use]
pub fn commands(page: &str) -> Vec<String> {
    let plain = blocks(page).into_iter().filter(|it| it.language.is_empty());
    let lines = plain.flat_map(|block| block.lines);
    let bare = lines.map(|line| line.split('#').next().unwrap_or_default().trim().to_owned());
    let is_command = |line: &String| {
        line.split(' ')
            .next()
            .is_some_and(|it| PROGRAMS.contains(&it))
    };
    bare.filter(is_command).collect()
}

/// Whether a test types this command as it stands on its page.
#[must_use]
pub fn is_typed(command: &str) -> bool {
    !NOT_TYPED
        .iter()
        .any(|(begin, _)| command.starts_with(begin))
}

impl Step {
    /// Whether `output` has the lines that the page shows, in their order. Durations, times, rounds and numbers of three
    /// digits and more may differ; what stands for left-out lines, or for the rest of one (`...`), may be anything.
    #[must_use]
    pub fn is_seen_in(&self, output: &str) -> bool {
        let mut lines = output.lines().map(lasting);
        let is_it = |line: &str, wanted: &str| match wanted.strip_suffix("...") {
            Some(begin) => line.starts_with(begin),
            None => line == wanted,
        };
        self.seen
            .iter()
            .filter(|line| line.trim() != "...")
            .map(|line| lasting(line))
            .all(|wanted| lines.any(|line| is_it(&line, &wanted)))
    }
}

/// Splits `n1# command`.
fn prompt(line: &str) -> Option<(&str, &str)> {
    let (machine, command) = line.split_once("# ")?;
    let is_name = !machine.is_empty() && machine.chars().all(|c| c.is_ascii_alphanumeric());
    is_name.then_some((machine, command))
}

/// A line without what differs from run to run: each number before a unit or of a round, each large one, each time of day.
fn lasting(line: &str) -> String {
    const UNITS: [&str; 6] = ["us", "ms", "s", "min", "h", "d"];
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_number = |word: &str| word.trim_start_matches('+').parse::<f64>().is_ok();
    let mut kept: Vec<&str> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let bare = word.trim_matches([',', ':', ';', '(', ')']);
        let next = words
            .get(place + 1)
            .map(|next| next.trim_matches([',', ':', ';', '(', ')']));
        let before = kept.last().copied();
        if is_number(bare) && next.is_some_and(|next| UNITS.contains(&next)) {
            kept.push("N");
        } else if before == Some("N") && UNITS.contains(&bare) {
            // Which unit it is goes with the number.
            kept.push(word.strip_prefix(bare).unwrap_or(word));
        } else if before == Some("round") || is_moment(bare) || is_epoch(bare) || is_large(bare) {
            kept.push("N");
        } else {
            kept.push(word);
        }
    }
    kept.join(" ")
}

/// `2026-11-27T19:17:56.123Z`.
fn is_moment(word: &str) -> bool {
    word.len() >= 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T'
}

/// Three digits and more: sequence numbers, boot times, epochs.
fn is_large(word: &str) -> bool {
    word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// `3/1`: round and slot.
fn is_epoch(word: &str) -> bool {
    word.split_once('/')
        .is_some_and(|(round, slot)| round.parse::<u64>().is_ok() && slot.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "text\n1. a list\n\n   ```console\n   n1# heartbeatctl status\n   master n1 in round 3, lease 41.2 ms more\n   \
                        ...\n   all# true\n   ```\n\n```toml\n[http]\n```\n";

    #[test]
    fn blocks_are_read_without_the_lists_indentation() {
        let blocks = blocks(PAGE);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0].lines[0], "n1# heartbeatctl status");
        assert_eq!(
            (&*blocks[1].language, &*blocks[1].text()),
            ("toml", "[http]\n")
        );
    }

    #[test]
    fn a_step_is_a_prompt_and_what_stands_below_it() {
        let steps = blocks(PAGE)[0].steps();
        assert_eq!(steps.len(), 2);
        assert_eq!((&*steps[0].machine, steps[0].seen.len()), ("n1", 2));
        assert_eq!((&*steps[1].machine, &*steps[1].command), ("all", "true"));
    }

    #[test]
    fn what_is_seen_may_differ_in_durations_and_rounds_and_in_nothing_else() {
        let step = &blocks(PAGE)[0].steps()[0];
        assert!(step.is_seen_in("x\nmaster   n1 in round 7, lease 1.0 s more\ny\n"));
        assert!(!step.is_seen_in("master n2 in round 3, lease 41.2 ms more\n"));
        assert!(!step.is_seen_in(""));
    }

    #[test]
    fn large_numbers_and_the_rest_of_a_line_may_differ() {
        let step = Step {
            machine: "n1".to_owned(),
            command: String::new(),
            seen: vec![
                "\"epoch\": 262146,".to_owned(),
                "\"counts\": [...".to_owned(),
            ],
        };
        assert!(step.is_seen_in("   \"epoch\": 65537,\n \"counts\": [1,2\n"));
        assert!(!step.is_seen_in("   \"epoch\": 7,\n \"counts\": [1,2\n"));
    }

    #[test]
    fn commands_are_those_of_blocks_without_a_language() {
        let page = "```\nheartbeatctl status  # who\nsome tree/\n```\n```toml\nip = 1\n```\n";
        assert_eq!(commands(page), ["heartbeatctl status"]);
        assert!(is_typed("heartbeatctl status") && !is_typed("heartbeatctl top"));
    }

    #[test]
    fn lines_are_wanted_in_their_order() {
        let step = Step {
            machine: "n1".to_owned(),
            command: String::new(),
            seen: vec!["a".to_owned(), "b".to_owned()],
        };
        assert!(step.is_seen_in("a\nc\nb\n"));
        assert!(!step.is_seen_in("b\na\n"));
    }
}
