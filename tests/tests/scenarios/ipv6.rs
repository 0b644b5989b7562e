//! The same faults where the networks speak IPv6, alone or beside IPv4.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use heartbeat_tests::fault::flood::Flood;
use heartbeat_tests::fault::wire::Death;
use heartbeat_tests::lab::addresses::{Families, Family};
use heartbeat_tests::lab::settings::Settings;
use heartbeat_tests::lab::topology::Plan;
use heartbeat_user::sys::clock::boot_ns;
use heartbeat_wire::verdict::Verdict;

use crate::scene::{Scene, scenario_in, scenario_over};
use crate::{
    address, client_on_slave, connections, failing, floods, forged, kill, node_death,
    restart_of_slave, switchover,
};

const ONLY_6: Families = Families::all(Family::V6);
/// Management addresses that mean nothing without their interface.
const LINK_LOCAL: Families = Families {
    management: Family::LinkLocal,
    ..ONLY_6
};
const OLD_MANAGEMENT: Families = Families {
    management: Family::V4,
    ..ONLY_6
};
const OLD_CLIENTS: Families = Families {
    management: Family::V6,
    ..Families::all(Family::V4)
};
const ONLY_ADDRESS_6: Families = Families {
    virtual_address: Family::V6,
    ..Families::all(Family::V4)
};

#[test]
fn over_ipv6_alone_a_cluster_starts_serves_and_moves_by_order() {
    scenario_over("ipv6_switchover", ONLY_6, |scene| {
        served_by_1(scene)?;
        switchover::to_the_named_slot(scene)
    });
}

#[test]
fn over_ipv6_alone_a_killed_masters_address_answers_no_more_from_there() {
    scenario_over("ipv6_kill", ONLY_6, kill::killed);
}

#[test]
fn over_ipv6_alone_a_node_that_dies_is_followed_within_its_grant() {
    scenario_over("ipv6_node_death", ONLY_6, |scene| {
        node_death::dies(scene, Death::Loud)
    });
}

#[test]
fn over_ipv6_alone_a_slave_reaches_the_master_by_the_address() {
    scenario_over("ipv6_client_on_slave", ONLY_6, client_on_slave::reaches);
}

#[test]
fn over_ipv6_an_address_deleted_behind_the_masters_back_is_added_again() {
    scenario_over("ipv6_address", ONLY_6, address::deleted);
}

/// The group's membership outlives the slave's daemon over IPv6 too, or its switch would cut it off.
#[test]
fn over_ipv6_a_slaves_kernel_carries_the_majority_behind_a_bridge_that_forwards_to_members_only() {
    let settings = Settings {
        plan: Plan {
            families: ONLY_6,
            snooping: true,
            ..Plan::default()
        },
        ..Settings::default()
    };
    scenario_in("ipv6_snooping", settings, restart_of_slave::carries);
}

#[test]
fn over_ipv6_forged_frames_move_nothing_and_do_not_stop_a_failover() {
    scenario_over("ipv6_forged", ONLY_6, forged::forged);
}

#[test]
fn over_ipv6_recorded_frames_move_nothing_and_do_not_stop_a_failover() {
    scenario_over("ipv6_replayed", ONLY_6, forged::replayed);
}

#[test]
fn over_ipv6_floods_cost_no_mastership() {
    for (name, what, caught) in [
        ("ipv6_flood_malformed", Flood::Malformed, Verdict::Malformed),
        ("ipv6_flood_replies", Flood::Replies, Verdict::Unauthentic),
    ] {
        scenario_over(name, ONLY_6, |scene| {
            floods::rogues(scene, name, what, caught)
        });
    }
}

#[test]
fn over_ipv6_one_way_cuts_of_a_slave_move_nothing() {
    scenario_over(
        "ipv6_slave_one_way",
        ONLY_6,
        failing::one_way_cuts_of_a_slave,
    );
}

#[test]
fn over_ipv6_idle_clients_of_the_address_are_reset_at_once() {
    scenario_over(
        "ipv6_connections",
        ONLY_6,
        connections::reset_by_a_switchover,
    );
}

#[test]
fn with_link_local_management_addresses_a_cluster_does_the_same() {
    scenario_over("ipv6_link_local", LINK_LOCAL, kill::killed);
}

#[test]
fn ipv6_addresses_follow_a_master_that_is_elected_over_ipv4() {
    scenario_over("ipv6_old_management", OLD_MANAGEMENT, kill::killed);
}

#[test]
fn ipv4_addresses_follow_a_master_that_is_elected_over_ipv6() {
    scenario_over("ipv6_old_clients", OLD_CLIENTS, kill::killed);
}

#[test]
fn an_ipv6_address_lives_on_a_network_whose_nodes_poll_each_other_over_ipv4() {
    scenario_over("ipv6_only_address", ONLY_ADDRESS_6, |scene| {
        switchover::to_the_named_slot(scene)
    });
}

fn served_by_1(scene: &mut Scene) -> Result<()> {
    let from_ns = boot_ns();
    sleep(Duration::from_millis(300));
    let answered = scene.answers_of(1, from_ns)?;
    ensure!(answered > 100, "slot 1 answered only {answered} questions");
    ensure!(scene.has_address(1)?);
    Ok(())
}
