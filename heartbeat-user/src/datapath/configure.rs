//! What is written into the maps at start, and whose maps they are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

use aya::Pod;
use aya::maps::{Array, HashMap, MapData, MapError};
use heartbeat_wire::maps::{
    Address, Config, Control, Guard, Guarded, Keys, Member, Vip, mark, name,
};

use super::error::DatapathError;
use super::pins::Pins;
use super::shapes::MapShape;
use crate::sys::clock::boot_ns;

/// What the programs go by.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The configuration; `incarnation` and `created_ns` are filled in.
    pub config: Config,
    /// The keys.
    pub keys: Keys,
    /// Every member by its slot.
    pub members: &'a [(u16, Member)],
    /// Every virtual address that the gate guards.
    pub vips: &'a [(Address, Vip)],
    /// The highest slot of any member.
    pub max_slot: u16,
    /// How long a node without the maps of its last run neither votes nor grants, in nanoseconds.
    pub abstention_ns: u64,
}

/// Whether the maps are those of the last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// True: grants, votes and promises in them hold. False: this node abstains, and
    /// [`Control::abstain_until_ns`] says until when.
    pub maps_kept: bool,
    /// Random number of this life of the maps; never zero.
    pub incarnation: u64,
    /// When they were created, CLOCK_BOOTTIME in nanoseconds.
    pub created_ns: u64,
}

impl Kept {
    /// The configuration as it was written.
    pub(super) fn written(&self, setup: &Setup<'_>) -> Config {
        Config {
            incarnation: self.incarnation,
            created_ns: self.created_ns,
            ..setup.config
        }
    }
}

/// What the pinned maps say of their owner, if they were ever configured.
pub(super) fn find_kept(
    pins: &Pins,
    shapes: &[MapShape],
    setup: &Setup<'_>,
) -> Result<Option<Config>, DatapathError> {
    let missing = pins.check_maps(shapes)?;
    if !pins.map(name::CONFIG).exists() {
        return Ok(None);
    }
    let config = pinned_config(pins)?;
    // The configuration is written last: without one, nothing was ever attached to these maps, and a
    // start that was cut short left them.
    if config.cluster_id == 0 {
        return Ok(None);
    }
    if let Some(missing) = missing {
        return Err(DatapathError::PinsMissing {
            path: pins.maps(),
            missing,
        });
    }
    check_owner(pins, &config, &setup.config)?;
    Ok(Some(config))
}

fn pinned_config(pins: &Pins) -> Result<Config, DatapathError> {
    array::<Config>(pins, name::CONFIG)?
        .get(&0, 0)
        .map_err(map_error("read", name::CONFIG))
}

/// Promises bind a slot of a cluster. A set that is saved reaches the maps a moment later, so those of a daemon
/// that died in between may name an older one; a newer one, or another of the same version, says that the saved
/// set was moved away, and with it what the promises were given for.
fn check_owner(pins: &Pins, kept: &Config, wanted: &Config) -> Result<(), DatapathError> {
    let is_older = kept.elector_version < wanted.elector_version;
    let (version, digest) = if is_older {
        (wanted.elector_version, wanted.elector_digest)
    } else {
        (kept.elector_version, kept.elector_digest)
    };
    let owners = [
        ("cluster", kept.cluster_id, wanted.cluster_id),
        ("slot", kept.slot.into(), wanted.slot.into()),
        (
            "electors' version",
            version.into(),
            wanted.elector_version.into(),
        ),
        (
            "electors' digest",
            digest.into(),
            wanted.elector_digest.into(),
        ),
    ];
    for (what, found, expected) in owners {
        if found != expected {
            return Err(DatapathError::OtherOwner {
                path: pins.maps(),
                what,
                found,
                expected,
            });
        }
    }
    Ok(())
}

/// Writes what the programs go by. The configuration comes last: with it the responder begins.
pub(super) fn configure(
    pins: &Pins,
    setup: &Setup<'_>,
    kept: Option<&Config>,
) -> Result<Kept, DatapathError> {
    let kept = match kept {
        Some(config) => Kept {
            maps_kept: true,
            incarnation: config.incarnation,
            created_ns: config.created_ns,
        },
        None => new_life(pins, setup)?,
    };
    set_keys(pins, setup.keys)?;
    set_members(pins, setup.members)?;
    set_vips(pins, setup.vips)?;
    set(pins, name::CONFIG, 0, kept.written(setup))?;
    Ok(kept)
}

/// New maps know nothing of the grants and votes that this node gave before, so it abstains; written
/// before anything can be attached, so that no crash in between lets it forget to.
fn new_life(pins: &Pins, setup: &Setup<'_>) -> Result<Kept, DatapathError> {
    let created_ns = boot_ns();
    let control = Control {
        abstain_until_ns: created_ns + setup.abstention_ns,
        ..Control::default()
    };
    set(pins, name::CONTROL, 0, control)?;
    Ok(Kept {
        maps_kept: false,
        incarnation: random_incarnation()?,
        created_ns,
    })
}

/// Never zero, which stands for "none seen yet".
fn random_incarnation() -> Result<u64, DatapathError> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(|source| DatapathError::File {
            what: "read",
            path: "/dev/urandom".into(),
            source,
        })?;
    Ok(u64::from_le_bytes(bytes).max(1))
}

pub(super) fn set_keys(pins: &Pins, keys: Keys) -> Result<(), DatapathError> {
    set(pins, name::KEYS, 0, keys)
}

pub(super) fn set_members(pins: &Pins, members: &[(u16, Member)]) -> Result<(), DatapathError> {
    let mut map = array::<Member>(pins, name::MEMBERS)?;
    let members: BTreeMap<u32, Member> = members
        .iter()
        .map(|(slot, member)| (u32::from(*slot), *member))
        .collect();
    for slot in 0..map.len() {
        let member = members.get(&slot).copied().unwrap_or_default();
        map.set(slot, member, 0)
            .map_err(map_error("write", name::MEMBERS))?;
    }
    Ok(())
}

/// In this order, an address that was guarded and remains so is at every instant: what the gate finds no mark of
/// it does not look for.
pub(super) fn set_vips(pins: &Pins, vips: &[(Address, Vip)]) -> Result<(), DatapathError> {
    let failed = |source| map_error("write", name::VIPS)(source);
    let mut guard = guard_of(vips);
    let marks = guard.marks;
    guard.marks |= array::<Guard>(pins, name::GUARD)?
        .get(&0, 0)
        .map_err(map_error("read", name::GUARD))?
        .marks;
    set(pins, name::GUARD, 0, guard)?;
    let map = pins.open(name::VIPS).map_err(failed)?;
    let mut map = HashMap::<_, Address, Vip>::try_from(map).map_err(failed)?;
    let old: Vec<Address> = map.keys().collect::<Result<_, _>>().map_err(failed)?;
    for (address, vip) in vips {
        map.insert(address, vip, 0).map_err(failed)?;
    }
    for address in old {
        if !vips.iter().any(|(kept, _)| *kept == address) {
            map.remove(&address).map_err(failed)?;
        }
    }
    set(pins, name::GUARD, 0, Guard { marks, ..guard })
}

fn guard_of(vips: &[(Address, Vip)]) -> Guard {
    let mut guard = Guard::default();
    for (address, _) in vips {
        guard.marks |= mark(address);
    }
    for (place, (address, vip)) in guard.first.iter_mut().zip(vips) {
        *place = Guarded {
            address: *address,
            follows_slot: vip.follows_slot,
            is_used: 1,
            is_leased: u16::from(vip.is_leased != 0),
        };
    }
    guard
}

fn set<T: Pod>(pins: &Pins, map: &'static str, index: u32, value: T) -> Result<(), DatapathError> {
    array::<T>(pins, map)?
        .set(index, value, 0)
        .map_err(map_error("write", map))
}

fn array<T: Pod>(pins: &Pins, map: &'static str) -> Result<Array<MapData, T>, DatapathError> {
    pins.open(map)
        .and_then(Array::try_from)
        .map_err(map_error("open", map))
}

pub(super) fn map_error(
    what: &'static str,
    map: &'static str,
) -> impl Fn(MapError) -> DatapathError {
    move |source| DatapathError::Map { what, map, source }
}
