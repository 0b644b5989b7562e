//! What makes two configurations the same.

use super::{GOOD, good, load_text};

#[test]
fn the_digest_sees_meaning_and_not_writing() {
    let digest = good().digest;
    let same = [
        ("[cluster]", "# a comment\n[cluster]"),
        ("slot = 2\nname = \"n2\"", "name = 'n2'\nslot = 0x2"),
        ("group =", "period = \"10000us\"\nport = 7405\ngroup ="),
        ("mode =", "electors = [3, 2, 1]\nmode ="),
        ("\"biz0\"", "\"eth1\""),
        ("group =", "attach = \"native\"\ngroup ="),
        // Only proposed: the set in force has a digest of its own.
        ("mode =", "max_lease = \"201ms\"\nmode ="),
        ("group =", "transport = \"multicast\"\ngroup ="),
        (
            "network = \"business\"",
            "network = \"business\"\nfollows = \"master\"",
        ),
        (
            "[management]",
            "[recorder]\nfile = \"record\"\n[management]",
        ),
    ];
    for (from, to) in same {
        let config = load_text(&GOOD.replacen(from, to, 1)).expect(to);
        assert_eq!(config.digest, digest, "{to:?} means the same");
    }
    let other = [
        ("storage-a", "storage-b"),
        ("group =", "period = \"11ms\"\ngroup ="),
        ("group =", "detect_multiplier = 4\ngroup ="),
        ("group =", "port = 7408\ngroup ="),
        ("group =", "control_port = 7408\ngroup ="),
        ("group =", "replication_port = 7408\ngroup ="),
        ("mode =", "preempt_after = \"1s\"\nmode ="),
        ("239.192.7.1", "239.192.7.2"),
        ("group = \"239.192.7.1\"", "transport = \"unicast\""),
        ("slot = 3", "slot = 4"),
        ("\"n2\"", "\"n3\""),
        ("198.51.100.2", "198.51.100.4"),
        ("203.0.113.2\"", "203.0.113.4\""),
        ("203.0.113.100", "203.0.113.101"),
        ("/24", "/25"),
        ("network = \"business\"", "network = \"management\""),
        ("network = \"business\"", "interface = \"biz0\""),
        (
            "network = \"business\"",
            "network = \"business\"\nfollows = { slot = 1 }",
        ),
        (
            "network = \"business\"",
            "network = \"business\"\nfollows = { slot = 2 }",
        ),
        (
            "network = \"business\"",
            "network = \"business\"\nfollows = { slot = 2, takeover = true }",
        ),
    ];
    let mut seen = vec![digest];
    for (from, to) in other {
        let config = load_text(&GOOD.replacen(from, to, 1)).expect(to);
        assert!(
            !seen.contains(&config.digest),
            "{to:?} means something else"
        );
        seen.push(config.digest);
    }
}

#[test]
fn the_electors_digest_covers_slots_and_longest_lease() {
    let base = good().elector_digest;
    let longer = load_text(&GOOD.replace("mode =", "max_lease = \"1s\"\nmode =")).expect("fine");
    let moved = load_text(&GOOD.replace("slot = 3", "slot = 4")).expect("fine");
    let renamed = load_text(&GOOD.replace("\"n2\"", "\"n3\"")).expect("fine");
    assert_ne!(longer.elector_digest, base);
    assert_ne!(moved.elector_digest, base);
    assert_eq!(renamed.elector_digest, base);
}
