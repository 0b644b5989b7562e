//! Why a keyword of keepalived's is not carried over.

const LVS: &str = "heartbeatd balances no load: keep keepalived for it alone (`keepalived --check` runs it without VRRP)";
const ROUTES: &str =
    "heartbeatd moves addresses only: set it in on_promote and take it away in on_demote ([hooks])";
const ALWAYS: &str = "what a machine always has is its own network configuration's to set";
const MAIL: &str = "alarms reach people by [alarms] in docs/configuration.md";
const ANNOUNCED: &str = "heartbeatd announces an address that moved by itself, and another member looks who answers for it";
const PACKETS: &str = "a setting of VRRP's packets, which heartbeatd does not send";
const VMAC: &str = "an address stands on the interface itself, with its hardware address; neighbours are told of each move";
const KEY: &str = "heartbeats are authenticated with the cluster's key: `heartbeatctl keygen`";
const TRACKED: &str =
    "nothing of heartbeatd follows it: make a [[service]] of a command that looks at it";
const ACCEPTED: &str = "every node accepts packets for the addresses that it holds";
const PROCESS: &str = "how keepalived itself runs; heartbeatd's unit sees to its own";
const FOREIGN: &str = "heartbeatd has nothing like it";

/// By keyword, or its beginning where it ends with `*`.
const REASONS: [(&str, &str); 45] = [
    ("virtual_server*", LVS),
    ("SSL", LVS),
    ("lvs_*", LVS),
    ("checker_*", LVS),
    ("virtual_routes", ROUTES),
    ("virtual_rules", ROUTES),
    ("static_*", ALWAYS),
    ("track_group", ALWAYS),
    ("promote_secondaries", ALWAYS),
    ("notification_email*", MAIL),
    ("smtp_*", MAIL),
    ("notify_fifo*", MAIL),
    ("vrrp_notify_fifo*", MAIL),
    ("notify_priority_changes", MAIL),
    ("notify_deleted", MAIL),
    ("notify_master_rx_lower_pri", MAIL),
    ("enable_snmp*", MAIL),
    ("enable_traps", MAIL),
    ("enable_dbus", MAIL),
    ("garp_*", ANNOUNCED),
    ("vrrp_garp_*", ANNOUNCED),
    ("vrrp_gna_*", ANNOUNCED),
    ("version", PACKETS),
    ("vrrp_*", PACKETS),
    ("mcast_dst_ip", PACKETS),
    ("unicast_*", PACKETS),
    ("check_unicast_src", PACKETS),
    ("old_unicast_checksum", PACKETS),
    ("v3_checksum_as_v2", PACKETS),
    ("native_ipv6", PACKETS),
    ("strict_mode", PACKETS),
    ("skip_check_adv_addr", PACKETS),
    ("lower_prio_no_advert", PACKETS),
    ("higher_prio_send_advert", PACKETS),
    ("timer_expired_backup", PACKETS),
    ("use_vmac*", VMAC),
    ("vmac_xmit_base", VMAC),
    ("use_ipvlan", VMAC),
    ("authentication", KEY),
    ("auth_hmac", KEY),
    ("track_file", TRACKED),
    ("track_bfd", TRACKED),
    ("bfd_instance", TRACKED),
    ("accept", ACCEPTED),
    ("no_accept", ACCEPTED),
];

/// Why an item of a VRRP instance or group, or of the file's outermost level, is not carried over.
pub(super) fn reason(keyword: &str) -> &'static str {
    let is_it = |(name, _): &&(&str, &str)| match name.strip_suffix('*') {
        Some(beginning) => keyword.starts_with(beginning),
        None => *name == keyword,
    };
    (REASONS.iter().find(is_it)).map_or(FOREIGN, |(_, reason)| reason)
}

/// The same of a global definition, most of which are about keepalived itself.
pub(super) fn reason_of_global(keyword: &str) -> &'static str {
    match reason(keyword) {
        FOREIGN => PROCESS,
        reason => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits_says_why() {
        assert_eq!(reason("vrrp_garp_master_delay"), ANNOUNCED);
        assert_eq!(reason("vrrp_version"), PACKETS);
        assert_eq!(reason("virtual_server_group"), LVS);
        assert_eq!(reason("garbage"), FOREIGN);
        assert_eq!(reason_of_global("router_id"), PROCESS);
    }
}
