//! `[pair]`: which evidence stands for the absent peer, and whether it can be had.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use heartbeat_core::config::PairRules;
use toml::Spanned;

use super::program::trusted;
use super::references;
use crate::config::fault::Fault;
use crate::config::file::{File, Member, Pair as Written, Value};
use crate::config::{Evidence, Fence, Mode, Pair, duration};

/// What has to be shown unless the file says otherwise.
const DEFAULT: [Evidence; 3] = [
    Evidence::ManagementSilent,
    Evidence::BusinessSilent,
    Evidence::Reference,
];
/// Power switches take some seconds.
const DEFAULT_FENCE_TIMEOUT: Duration = Duration::from_secs(30);
const FENCE_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(10 * 60);
const DEFAULT_FENCE_DELAY: Duration = Duration::from_secs(2);
const FENCE_DELAYS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(60);

/// The evidence of a pair; inside `None` for a quorum. `None` only together with a fault.
pub(super) fn check(file: &File, faults: &mut Vec<Fault>) -> Option<Option<Pair>> {
    let mode = file.cluster.as_ref()?.mode.as_ref()?;
    if *mode.get_ref() == Mode::Quorum {
        if let Some(pair) = &file.pair {
            let cause = "[pair] where a quorum decides";
            let fault = Fault::new(
                pair.at.clone(),
                cause,
                "take the table out, or write mode = \"pair\"",
            );
            faults.push(fault.also(mode.span(), "here"));
        }
        return Some(None);
    }
    multiplier(file, faults);
    let Some(written) = &file.pair else {
        let cause =
            "table [pair] is missing: two members alone need evidence in place of a majority";
        let cure = "add [pair] with reference = [\"203.0.113.254\"], a device of the business network that is \
                    neither of the two";
        faults.push(Fault::new(mode.span(), cause, cure));
        return None;
    };
    let required = required(written, faults);
    let pair = Pair {
        business: required.contains(&Evidence::BusinessSilent),
        references: references(written, &required, file, faults)?,
        fence: fence(written, &required, faults),
    };
    on_business(&pair, written, &file.members, faults);
    Some(Some(pair))
}

fn multiplier(file: &File, faults: &mut Vec<Fault>) {
    let written = file
        .management
        .as_ref()
        .and_then(|management| management.detect_multiplier.as_ref());
    if let Some(multiplier) = written
        && u32::from(*multiplier.get_ref()) < PairRules::LEAST_MULTIPLIER
    {
        let cause = "with so short a lease a pair's master could not outlive the loss of its slave: asking three \
                     times and then the reference takes four periods";
        let cure = format!(
            "write at least detect_multiplier = {}, and a shorter period instead",
            PairRules::LEAST_MULTIPLIER
        );
        faults.push(Fault::new(multiplier.span(), cause, cure));
    }
}

fn required(written: &Written, faults: &mut Vec<Fault>) -> Vec<Evidence> {
    let Some(list) = &written.require else {
        return DEFAULT.to_vec();
    };
    let kinds: Vec<Evidence> = list.get_ref().iter().map(|kind| *kind.get_ref()).collect();
    if !kinds.contains(&Evidence::ManagementSilent) {
        let cause = "without \"management_silent\" a node would serve beside a peer that it hears";
        let cure = "add \"management_silent\" to the list";
        faults.push(Fault::new(list.span(), cause, cure));
    }
    kinds
}

fn references(
    written: &Written,
    required: &[Evidence],
    file: &File,
    faults: &mut Vec<Fault>,
) -> Option<Vec<IpAddr>> {
    let is_required = required.contains(&Evidence::Reference);
    let Some(list) = &written.reference else {
        if is_required {
            let cause = "`reference` is missing in [pair]: who cannot reach it takes itself for the one that is \
                         cut off";
            let cure = "name a device of the business network that is neither of the two, such as its switch or \
                        router: reference = [\"203.0.113.254\"]; or leave \"reference\" out of require";
            faults.push(Fault::new(written.at.clone(), cause, cure));
            return None;
        }
        return Some(Vec::new());
    };
    if !is_required {
        let cause = "a reference that is not required";
        let cure = "add \"reference\" to require, or take the key out";
        faults.push(Fault::new(list.span(), cause, cure));
    }
    Some(references::list(list, file, faults))
}

fn fence(written: &Written, required: &[Evidence], faults: &mut Vec<Fault>) -> Option<Fence> {
    let is_required = required.contains(&Evidence::Fence);
    if !is_required {
        let spans = [
            written.fence_command.as_ref().map(Spanned::span),
            written.fence_timeout.as_ref().map(Spanned::span),
            written.fence_delay.as_ref().map(Spanned::span),
        ];
        if let Some(span) = spans.into_iter().flatten().next() {
            let cause = "a fence command that is not required";
            let cure = "add \"fence\" to require, or take the fence_ keys out";
            faults.push(Fault::new(span, cause, cure));
        }
        return None;
    }
    let Some(command) = &written.fence_command else {
        let cause = "`fence_command` is missing in [pair], where \"fence\" is required";
        let cure = "name the program that makes sure that the peer is off: \
                    fence_command = [\"/usr/local/sbin/fence-peer\"]";
        faults.push(Fault::new(written.at.clone(), cause, cure));
        return None;
    };
    Some(Fence {
        program: trusted(command, &None, faults)?,
        timeout: within(
            &written.fence_timeout,
            DEFAULT_FENCE_TIMEOUT,
            &FENCE_TIMEOUTS,
            faults,
        ),
        delay: within(
            &written.fence_delay,
            DEFAULT_FENCE_DELAY,
            &FENCE_DELAYS,
            faults,
        ),
    })
}

fn within(
    written: &Value<Duration>,
    default: Duration,
    range: &RangeInclusive<Duration>,
    faults: &mut Vec<Fault>,
) -> Duration {
    let Some(time) = written else { return default };
    if !range.contains(time.get_ref()) {
        let cause = format!(
            "{} is not between {} and {}",
            duration::format(*time.get_ref()),
            duration::format(*range.start()),
            duration::format(*range.end())
        );
        faults.push(Fault::new(time.span(), cause, "write a time in between"));
    }
    *time.get_ref()
}

/// What is looked for on the business network needs both members there.
fn on_business(pair: &Pair, written: &Written, members: &[Member], faults: &mut Vec<Fault>) {
    let is_needed = pair.business || !pair.references.is_empty();
    let without = members.iter().find(|member| member.business.is_none());
    if is_needed && let Some(member) = without {
        let cause = "evidence of the business network, which this member is not on";
        let cure = "give it business = { address, interface }, or require \"management_silent\" and \"fence\" alone";
        faults.push(
            Fault::new(member.at.clone(), cause, cure).also(written.at.clone(), "required here"),
        );
    }
}
