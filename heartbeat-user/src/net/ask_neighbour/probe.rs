//! ARP probes (RFC 5227, section 2.1.1): the sender address is zero, so no station enters it into its cache,
//! and the gate of a slave, which stops what speaks *for* an address, lets it leave.

use std::net::Ipv4Addr;

use crate::net::mac::MacAddress;

pub(super) const ETHERTYPE: u16 = 0x0806;

/// Bytes of an ARP frame without the Ethernet padding.
const FRAME_LEN: usize = 42;
/// Ethernet (1), IPv4 (0x0800), 6 and 4 bytes of address (RFC 826).
const ARP_HEADER: [u8; 6] = [0x00, 0x01, 0x08, 0x00, 6, 4];
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// The question for `address`, to everybody, in nobody's name.
pub(super) fn question(own: MacAddress, address: Ipv4Addr) -> [u8; FRAME_LEN] {
    let mut frame = [0; FRAME_LEN];
    frame[..6].copy_from_slice(&MacAddress::BROADCAST.0);
    frame[6..12].copy_from_slice(&own.0);
    frame[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
    frame[14..20].copy_from_slice(&ARP_HEADER);
    frame[20..22].copy_from_slice(&REQUEST.to_be_bytes());
    frame[22..28].copy_from_slice(&own.0);
    frame[38..42].copy_from_slice(&address.octets());
    frame
}

/// Which address a frame answers for, and by which hardware address, if it is an answer to `own`. An
/// announcement in reply form names its sender as target, so it is none.
pub(super) fn answer(frame: &[u8], own: MacAddress) -> Option<(Ipv4Addr, MacAddress)> {
    let frame: &[u8; FRAME_LEN] = frame.first_chunk()?;
    let is_answer = frame[12..14] == ETHERTYPE.to_be_bytes()
        && frame[14..20] == ARP_HEADER
        && frame[20..22] == REPLY.to_be_bytes()
        && frame[32..38] == own.0;
    let (mac, address) = (frame[22..28].first_chunk()?, frame[28..32].first_chunk()?);
    is_answer.then_some((Ipv4Addr::from_octets(*address), MacAddress(*mac)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::announce::{Form, arp_frame};

    const OWN: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
    const HOLDER: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 100);

    /// What HOLDER answers to the question.
    fn answer_to(question: &[u8; FRAME_LEN]) -> [u8; FRAME_LEN] {
        let mut frame = *question;
        frame[..6].copy_from_slice(&OWN.0);
        frame[6..12].copy_from_slice(&HOLDER.0);
        frame[21] = 2;
        frame[22..28].copy_from_slice(&HOLDER.0);
        frame[28..32].copy_from_slice(&ADDRESS.octets());
        frame[32..38].copy_from_slice(&OWN.0);
        frame[38..42].fill(0);
        frame
    }

    #[test]
    fn the_question_is_asked_in_nobodys_name() {
        let question = question(OWN, ADDRESS);
        assert_eq!(question[28..32], [0; 4], "sender address");
        assert_eq!(question[32..38], [0; 6], "target hardware address");
        assert_eq!(question[38..42], ADDRESS.octets());
        assert_eq!(question[20..22], [0, 1]);
    }

    #[test]
    fn an_answer_to_us_is_taken_and_nothing_else_is() {
        let asked = question(OWN, ADDRESS);
        assert_eq!(answer(&answer_to(&asked), OWN), Some((ADDRESS, HOLDER)));
        assert_eq!(answer(&answer_to(&asked), HOLDER), None, "to another one");
        assert_eq!(answer(&asked, OWN), None, "a question");
        for form in Form::BOTH {
            assert_eq!(
                answer(&arp_frame(form, HOLDER, ADDRESS), OWN),
                None,
                "{form:?}"
            );
        }
        assert_eq!(answer(&answer_to(&asked)[..41], OWN), None, "cut off");
    }
}
