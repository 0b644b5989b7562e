//! The samples of one metric, written with the labels that the table says.

use std::fmt::{self, Display};
use std::time::Duration;

use prometheus_client::encoding::{MetricEncoder, NoLabelSet};

use super::measured::{DURATIONS, Durations};
use crate::control::Bucket;

/// The kernel's buckets are two to the octave; of these every second bound is shown, from about a microsecond to about
/// 17 s: 25 series each.
const OCTAVES: std::ops::RangeInclusive<u32> = 10..=34;

const NS_PER_SECOND: f64 = 1e9;

/// Where the samples of one metric go.
#[derive(Debug)]
pub(super) struct Samples<'a> {
    names: &'static [&'static str],
    encoder: MetricEncoder<'a>,
}

impl<'a> Samples<'a> {
    pub(super) const fn new(names: &'static [&'static str], encoder: MetricEncoder<'a>) -> Self {
        Self { names, encoder }
    }

    /// A gauge's value.
    pub(super) fn value(&mut self, labels: &[&dyn Display], value: f64) -> fmt::Result {
        self.with(labels, |encoder| encoder.encode_gauge(&value))
    }

    /// A gauge that counts something.
    pub(super) fn number(&mut self, labels: &[&dyn Display], number: u64) -> fmt::Result {
        self.with(labels, |encoder| encoder.encode_gauge(&number))
    }

    /// A gauge that is 1 if something is so.
    pub(super) fn flag(&mut self, labels: &[&dyn Display], is_so: bool) -> fmt::Result {
        self.number(labels, is_so.into())
    }

    /// A gauge of microseconds, in seconds.
    pub(super) fn us(&mut self, labels: &[&dyn Display], us: u64) -> fmt::Result {
        self.value(labels, Duration::from_micros(us).as_secs_f64())
    }

    /// A counter's value.
    pub(super) fn count(&mut self, labels: &[&dyn Display], count: u64) -> fmt::Result {
        self.with(labels, |encoder| {
            encoder.encode_counter::<NoLabelSet, _, u64>(&count, None)
        })
    }

    /// Of every word that there is, whether it is the one; the last label is the word.
    pub(super) fn one_of<'w>(
        &mut self,
        labels: &[&dyn Display],
        words: impl IntoIterator<Item = &'w str>,
        is: Option<&str>,
    ) -> fmt::Result {
        for word in words {
            let labels: Vec<&dyn Display> = labels
                .iter()
                .copied()
                .chain([&word as &dyn Display])
                .collect();
            self.flag(&labels, is == Some(word))?;
        }
        Ok(())
    }

    /// The labels themselves.
    pub(super) fn info(&mut self, labels: &[&dyn Display]) -> fmt::Result {
        let labels = named(self.names, labels);
        self.encoder.encode_info(&labels)
    }

    /// Durations that were counted here.
    pub(super) fn durations(&mut self, labels: &[&dyn Display], of: &Durations) -> fmt::Result {
        let bounds = DURATIONS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(of.counts).collect();
        self.buckets(labels, of.sum, &buckets)
    }

    /// Durations that were counted by the kernel's buckets. Nobody adds them up there: of each its bucket's middle is
    /// taken for the sum.
    pub(super) fn octaves(&mut self, of: &[Bucket]) -> fmt::Result {
        let mut buckets: Vec<(f64, u64)> = OCTAVES
            .map(|octave| ((1_u64 << octave) as f64 / NS_PER_SECOND, 0))
            .chain([(f64::INFINITY, 0)])
            .collect();
        let mut sum = 0.0;
        for bucket in of {
            let ends_ns = bucket.below_ns.unwrap_or(u64::MAX);
            let place = OCTAVES.take_while(|octave| 1 << octave < ends_ns).count();
            buckets[place].1 += bucket.count;
            let middle_ns = bucket.from_ns as f64 / 2.0 + ends_ns as f64 / 2.0;
            sum += middle_ns / NS_PER_SECOND * bucket.count as f64;
        }
        self.buckets(&[], sum, &buckets)
    }

    fn buckets(
        &mut self,
        labels: &[&dyn Display],
        sum: f64,
        buckets: &[(f64, u64)],
    ) -> fmt::Result {
        let count = buckets.iter().map(|(_, count)| count).sum();
        self.with(labels, |encoder| {
            encoder.encode_histogram::<NoLabelSet>(sum, count, buckets, None)
        })
    }

    fn with(
        &mut self,
        labels: &[&dyn Display],
        encode: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        if labels.is_empty() {
            return encode(&mut self.encoder);
        }
        let labels = named(self.names, labels);
        encode(&mut self.encoder.encode_family(&labels)?)
    }
}

fn named(names: &'static [&'static str], labels: &[&dyn Display]) -> Vec<(&'static str, String)> {
    debug_assert_eq!(names.len(), labels.len(), "a value for each of {names:?}");
    let values = labels.iter().map(ToString::to_string);
    names.iter().copied().zip(values).collect()
}
