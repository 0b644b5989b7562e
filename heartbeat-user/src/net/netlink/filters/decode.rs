//! From the kernel's bytes to filters.

use netlink_packet_core::NlasIterator;
use netlink_packet_route::tc::TcHeader;

use crate::net::netlink::decode::{number, text};

/// Bytes of struct tcmsg (linux/rtnetlink.h).
const HEADER_BYTES: usize = 20;
/// A filter's kind and options (linux/rtnetlink.h).
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
/// A filter's name and its program's id, among the options (linux/pkt_cls.h).
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_ID: u16 = 11;

/// The kind of filter that runs a program.
pub(super) const KIND: &str = "bpf";

/// One traffic-control filter that runs a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its number among those of its priority.
    pub(super) handle: u32,
    /// Its priority and protocol, as the kernel wants them back.
    pub(super) info: u32,
    /// What who placed it called it.
    pub name: String,
    /// The program that it runs.
    pub program_id: u32,
}

/// A filter from RTM_NEWTFILTER; none if it is of another kind, or the head of those of one priority.
pub(super) fn filter(payload: &[u8]) -> Option<Filter> {
    let header = TcHeader::parse(payload).ok()?;
    let attributes =
        || NlasIterator::new(payload.get(HEADER_BYTES..).unwrap_or_default()).flatten();
    attributes().find(|it| it.kind() == TCA_KIND && text(it.value()) == KIND)?;
    let options = attributes().find(|it| it.kind() == TCA_OPTIONS)?;
    let option = |kind| {
        let mut all = NlasIterator::new(options.value()).flatten();
        all.find(|it| it.kind() == kind)
    };
    Some(Filter {
        handle: header.handle.into(),
        info: header.info,
        name: text(option(TCA_BPF_NAME)?.value()),
        program_id: number(option(TCA_BPF_ID)?.value())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A filter as Linux 6.1 lists it, without its statistics.
    #[rustfmt::skip]
    const LISTED: [u8; 72] = [
        0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 0xf2, 0xff, 0xff, 0xff, 0, 3, 1, 0,
        8, 0, 1, 0, b'b', b'p', b'f', 0,
        // Its chain.
        8, 0, 11, 0, 0, 0, 0, 0,
        36, 0, 2, 0,
            7, 0, 7, 0, b'h', b'b', 0, 0,
            8, 0, 8, 0, 1, 0, 0, 0,
            8, 0, 11, 0, 17, 1, 0, 0,
            // An option of a kernel to come.
            8, 0, 99, 0, 1, 2, 3, 4,
    ];

    #[test]
    fn a_filter_has_its_place_its_name_and_its_program() {
        let expected = Filter {
            handle: 5,
            info: 0x0001_0300,
            name: "hb".to_owned(),
            program_id: 273,
        };
        assert_eq!(filter(&LISTED), Some(expected));
    }

    #[test]
    fn a_filter_of_another_kind_and_the_head_of_a_priority_are_none() {
        let mut other = LISTED;
        other[26] = b'x';
        assert_eq!(filter(&other), None);
        assert_eq!(filter(&LISTED[..36]), None, "a head has no options");
    }

    proptest! {
        #[test]
        fn no_bytes_whatever_make_the_decoder_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = filter(&bytes);
        }
    }
}
