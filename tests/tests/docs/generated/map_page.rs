//! heartbeatd-maps(7), made of the code that both sides of the maps are made of: which there are, of what kind and by
//! which key (heartbeat-ebpf), and each field with its comment (heartbeat-wire).

use std::collections::BTreeMap;

use heartbeat_wire::histogram::{BUCKETS, lower_bound_ns};
use heartbeat_wire::maps::{LAYOUT, MAPS};
use heartbeat_wire::verdict::{GateVerdict, Verdict};
use syn::{Attribute, Expr, Field, GenericArgument, Item, Lit, Meta, PathArguments, Type};

use super::roff::{head, item, prose};
use crate::read;

/// What each side is made of.
const KERNEL: &str = "heartbeat-ebpf/src/maps.rs";
const VALUES: [&str; 4] = [
    "heartbeat-wire/src/maps/config.rs",
    "heartbeat-wire/src/maps/counted.rs",
    "heartbeat-wire/src/maps/event.rs",
    "heartbeat-wire/src/maps/words.rs",
];
const INTRODUCTION: &str = "\
.SH DESCRIPTION
Everything that heartbeatd's kernel programs go by and all that they count is in BPF maps below
.BR /sys/fs/bpf/heartbeatd ,
which outlive the daemon. \\fICLUSTER\\fR below is the cluster's name.
.B heartbeatctl maps
lists them with the line that shows each on this machine.
.PP
Every number is an integer of the machine's byte order, every time one of CLOCK_BOOTTIME in nanoseconds (compare with the
first number of \\fI/proc/uptime\\fR). A map per CPU shows one value for each possible processor: add them up. Addresses are
sixteen bytes as they lie in memory, IPv4 as ::ffff:a.b.c.d. What the kernel writes and what the daemon writes never share a
value. All of them are readable by root only; those that hold secrets say so.
.SH MAPS
";

/// One map as the kernel's side defines it.
struct Map {
    kind: String,
    /// Types and numbers between its angle brackets: value and entries, in front of them the key where there is one.
    arguments: Vec<String>,
}

pub(super) fn page() -> Vec<u8> {
    let maps = maps();
    let values = values();
    let mut page = head(
        "heartbeatd-maps",
        "7",
        "the pinned BPF maps of heartbeatd, field by field",
    ) + INTRODUCTION;
    assert_eq!(maps.len(), MAPS.len(), "each side has the same maps");
    for info in MAPS {
        let map = &maps[info.name];
        page += &format!(
            ".SS {}\n{}.\n{}.\n",
            info.name,
            prose(&capital(info.what)),
            shape(map)
        );
        let (path, act) = (
            format!(
                "/sys/fs/bpf/heartbeatd/CLUSTER/maps/v{LAYOUT}/{}",
                info.name
            ),
            act(map),
        );
        page += &format!(".PP\n.EX\nbpftool map {act} pinned {path}\n.EE\n");
        page += &fields(map, &values);
    }
    page += include_str!("../../../../packaging/man/heartbeatd-maps.rest.7");
    page.into_bytes()
}

/// What bpftool can do with it: a ring has no entries to dump.
fn act(map: &Map) -> &'static str {
    if map.kind == "RingBuf" {
        "show"
    } else {
        "dump"
    }
}

/// Its kind, and what its key is.
fn shape(map: &Map) -> String {
    let kind = match map.kind.as_str() {
        "Array" => "Array",
        "PerCpuArray" => "Array per CPU",
        "HashMap" => return "Hash table, by address".to_owned(),
        "RingBuf" => return "Ring buffer, of such events".to_owned(),
        other => panic!("no words for a map of kind {other}"),
    };
    let key = match map.arguments[1].as_str() {
        "1" => "of one value",
        "SLOTS" => "by slot",
        "MAX_INTERFACES" => "in no order",
        "SENT_RECORDS" => "by sequence number modulo 512",
        "SLOTS.div_ceil(REPLIES_CHUNK)" => "by slot divided by 16, each value with 16 slots",
        "SLOTS.div_ceil(HEARD_GROUP)" => "by slot divided by 4, each value with 4 slots",
        other => panic!("no words for {other} entries"),
    };
    format!("{kind}, {key}")
}

/// The fields of its value; of a chunk those of one slot in it.
fn fields(map: &Map, values: &BTreeMap<String, Vec<Field>>) -> String {
    let value = match map.kind.as_str() {
        "HashMap" => &map.arguments[1],
        _ => &map.arguments[0],
    };
    match value.as_str() {
        "u64" => item("value", "A number of 64 bits."),
        "Beginning" => item(
            "key, words, state",
            "Secret, and of no meaning outside the program.",
        ),
        "Verdicts" => counters(Verdict::ALL.iter().map(|verdict| verdict.as_str())),
        "GateCounts" => counters(GateVerdict::ALL.iter().map(|verdict| verdict.as_str())),
        "Histogram" => item(
            "buckets",
            &format!(
                "{BUCKETS} counters, two to the octave: bucket 40 counts from {} ns, bucket 41 from {} ns, bucket 42 from \
                 {} ns.",
                lower_bound_ns(40),
                lower_bound_ns(41),
                lower_bound_ns(42)
            ),
        ),
        "Replies" => listed(&values["Reply"]),
        other => listed(&values[other]),
    }
}

fn counters<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names
        .enumerate()
        .map(|(place, name)| format!("{place} {name}"))
        .collect();
    item(
        "counts",
        &format!("One counter for each: {}.", names.join(", ")),
    )
}

fn listed(fields: &[Field]) -> String {
    let named = |field: &Field| field.ident.as_ref().expect("a named field").to_string();
    (fields.iter())
        .filter(|field| named(field) != "reserved")
        .map(|field| item(&named(field), &comment(&field.attrs)))
        .collect()
}

/// The maps of the kernel's side, by name.
fn maps() -> BTreeMap<String, Map> {
    let mut maps = BTreeMap::new();
    for entry in items(KERNEL) {
        let Item::Static(entry) = entry else { continue };
        let Some(name) = entry.attrs.iter().find_map(map_name) else {
            continue;
        };
        let Type::Path(path) = *entry.ty else {
            panic!("{name} is of no named type")
        };
        let last = path.path.segments.last().expect("a type has a name");
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            panic!("{name} says nothing of its values")
        };
        let arguments = arguments.args.iter().map(argument).collect();
        let kind = last.ident.to_string();
        maps.insert(name, Map { kind, arguments });
    }
    maps
}

/// The name in `#[btf_map(name = "...")]`.
fn map_name(attribute: &Attribute) -> Option<String> {
    let list = attribute.meta.require_list().ok()?;
    let is_map = list.path.is_ident("btf_map");
    let tokens = list.tokens.to_string();
    is_map.then(|| tokens.split('"').nth(1).map(str::to_owned))?
}

fn argument(argument: &GenericArgument) -> String {
    use quote::ToTokens as _;
    let text = argument.to_token_stream().to_string();
    text.replace([' ', '{', '}'], "")
}

/// The values' fields, by type.
fn values() -> BTreeMap<String, Vec<Field>> {
    let entries = VALUES.into_iter().flat_map(items);
    entries
        .filter_map(|entry| match entry {
            Item::Struct(entry) => Some(entry),
            _ => None,
        })
        .map(|entry| (entry.ident.to_string(), entry.fields.into_iter().collect()))
        .collect()
}

fn items(file: &str) -> Vec<Item> {
    syn::parse_file(&read(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
        .items
}

/// A doc comment in one line.
fn comment(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(&pair.value),
            _ => None,
        })
        .filter_map(|value| match value {
            Expr::Lit(literal) => Some(&literal.lit),
            _ => None,
        })
        .filter_map(|literal| match literal {
            Lit::Str(text) => Some(text.value().trim().to_owned()),
            _ => None,
        })
        .collect();
    assert!(!lines.is_empty(), "a field without a comment");
    lines.join(" ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().expect("it says something");
    first.to_uppercase().chain(letters).collect()
}
