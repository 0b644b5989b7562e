//! What the gate guards while addresses change.

use heartbeat_wire::maps::{Address, Vip};

/// A slot that no node is in: the gate of an address that follows it is shut everywhere.
const NOBODY: u32 = u32::MAX;

/// Everything that is guarded before or after: what leaves, with its gate shut; what stays, as it is; what comes,
/// as it will be.
pub(super) fn while_changing(
    before: &[(Address, Vip)],
    after: &[(Address, Vip)],
) -> Vec<(Address, Vip)> {
    let is_in =
        |list: &[(Address, Vip)], address: &Address| list.iter().any(|(other, _)| other == address);
    let kept = before.iter().map(|(address, vip)| {
        let mut vip = *vip;
        if !is_in(after, address) {
            vip.follows_slot = NOBODY;
            vip.is_leased = 0;
        }
        (*address, vip)
    });
    let new = after.iter().filter(|(address, _)| !is_in(before, address));
    kept.chain(new.copied()).collect()
}

#[cfg(test)]
mod tests {
    use heartbeat_wire::gate::slot_gate_is_open;
    use heartbeat_wire::maps::{Grant, mapped};

    use super::*;

    fn vip(last: u8, follows_slot: u32) -> (Address, Vip) {
        let vip = Vip {
            follows_slot,
            ..Vip::default()
        };
        (mapped([203, 0, 113, last]), vip)
    }

    #[test]
    fn what_leaves_is_guarded_and_shut_and_all_else_is_as_it_is_or_will_be() {
        let before = [vip(1, 0), vip(2, 0), vip(3, 2)];
        let after = [vip(4, 1), vip(3, 2), vip(1, 0)];
        let both = while_changing(&before, &after);
        assert_eq!(both, [vip(1, 0), vip(2, NOBODY), vip(3, 2), vip(4, 1)]);
        let is_open = |slot| slot_gate_is_open(NOBODY, slot, &Grant::default(), 1, 1);
        assert!((1..=u16::MAX).all(|slot| !is_open(slot)));
    }
}
