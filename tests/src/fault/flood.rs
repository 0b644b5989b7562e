//! Heartbeats that nobody should heed, as fast as one processor sends.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use heartbeat_wire::Epoch;
use heartbeat_wire::frame::{FRAME_LEN, Frame, Kind};
use heartbeat_wire::tag::sign;

use crate::client::packet::EVERYTHING;
use crate::fault::headers::Headers;
use crate::lab::Lab;
use crate::lab::addresses::{Network, ROGUE};
use crate::lab::helper::Helper;
use crate::lab::packet_socket::PacketSocket;
use crate::lab::settings::cluster_key;

/// A packet socket for this EtherType receives nothing.
const NOTHING: u16 = 0;
/// Who gets forged replies, and from whom they claim to be.
const MASTER: u8 = 1;
const ANSWERER: u8 = 2;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Flood {
    /// Probes to all, newer than the master's, whose tag is a guess.
    Forged,
    /// Probes to all that came through a router.
    Malformed,
    /// Replies to the master, as if slot 2 had sent them, whose tag is a guess.
    Replies,
    /// Authentic probes to all of an epoch that nobody can have reached: the sender has the key.
    Implausible,
}

impl Flood {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Forged => "forged",
            Self::Malformed => "malformed",
            Self::Replies => "replies",
            Self::Implausible => "implausible",
        }
    }
}

/// Has the rogue take one of the master's probes as a pattern and send what it makes of it until
/// [`finish`].
///
/// # Errors
/// When no probe comes by within a second, or the helper fails.
pub fn start(lab: &Lab, what: Flood) -> Result<Helper> {
    let mut helper = Helper::start(
        lab.topology().rogue(),
        lab.folder(),
        "flood",
        &["flood".to_owned(), what.as_str().to_owned()],
    )?;
    helper.ready().context("the rogue's flood")?;
    Ok(helper)
}

/// Stops a flood or a replay and says how many frames it sent.
///
/// # Errors
/// When the helper failed meanwhile.
pub fn finish(helper: Helper) -> Result<u64> {
    let said = helper.finish()?;
    said.trim()
        .parse()
        .with_context(|| format!("expected a number of frames, got {said:?}"))
}

/// Sends them until `stop`; says at the start that it is at work, at the end how many it sent.
///
/// # Errors
/// Without CAP_NET_RAW.
pub fn run(what: Flood, stop: &AtomicBool) -> Result<()> {
    let socket = PacketSocket::open(Network::Management.interface(), EVERYTHING)?;
    let pattern = first_probe(&socket)?;
    // Nothing more is to be heard, and what is sent is not to be received here.
    let socket = PacketSocket::open(Network::Management.interface(), NOTHING)?;
    println!("at work");
    let mut sent = 0u64;
    while !stop.load(Ordering::Relaxed) {
        // No buffer now is no reason to stop: the next try follows at once.
        if socket.send(&pattern.made(what, sent)).is_ok() {
            sent += 1;
        }
    }
    println!("{sent}");
    Ok(())
}

/// A probe to make others of.
struct Pattern {
    headers: Headers,
    /// Cut to its length.
    frame: Vec<u8>,
}

fn first_probe(socket: &PacketSocket) -> Result<Pattern> {
    socket
        .socket()
        .set_read_timeout(Some(std::time::Duration::from_secs(1)))?;
    let mut bytes = [0; 256];
    loop {
        let length = socket
            .receive(&mut bytes)
            .context("no probe came by within a second")?;
        let frame = &bytes[..length];
        let Some(headers) = Headers::of(frame) else {
            continue;
        };
        let body = frame[headers.body..].first_chunk::<FRAME_LEN>();
        if body.is_some_and(|body| Frame::from_bytes(body).kind == Kind::Probe as u8) {
            let frame = frame[..headers.body + FRAME_LEN].to_vec();
            return Ok(Pattern { headers, frame });
        }
    }
}

impl Pattern {
    /// One frame of the flood.
    fn made(&self, what: Flood, number: u64) -> Vec<u8> {
        let mut frame = self.forgery(number);
        match what {
            Flood::Forged => {}
            Flood::Malformed => frame[self.headers.hop_limit] = 64,
            Flood::Replies => {
                frame[..6].copy_from_slice(&Network::Management.mac(MASTER));
                let [from, to] = [ANSWERER, MASTER]
                    .map(|last| Network::Management.address_of(self.headers.family, last));
                self.headers.address(&mut frame, from, to);
                self.with_body(&mut frame, |body| {
                    body.kind = Kind::Reply as u8;
                    body.sender = ANSWERER.into();
                });
            }
            Flood::Implausible => self.with_body(&mut frame, |body| {
                let epoch = Epoch(body.epoch);
                let far = epoch.round() + 2 * Epoch::PLAUSIBLE_ROUNDS + number;
                body.epoch = Epoch::new(far, body.sender).0;
                sign(body, 0, &cluster_key().heartbeat());
            }),
        }
        self.headers.finish(&mut frame);
        frame
    }

    fn with_body(&self, frame: &mut [u8], change: impl FnOnce(&mut Frame)) {
        let bytes: &mut [u8; FRAME_LEN] = frame[self.headers.body..]
            .first_chunk_mut()
            .expect("the pattern was cut to this length");
        let mut body = Frame::from_bytes(bytes);
        change(&mut body);
        *bytes = *body.as_bytes();
    }

    /// The probe's own addresses, newer in every field that could do harm, with a tag that is a guess.
    /// Only the hardware address is the rogue's: else the bridge itself would be fooled, and no
    /// protocol above it can help that.
    fn forgery(&self, number: u64) -> Vec<u8> {
        let body = self.headers.body;
        let mut frame = self.frame.clone();
        frame[6..12].copy_from_slice(&Network::Management.mac(ROGUE));
        // No checksum, so that nobody can drop the forgery for that.
        frame[body - 2..body].fill(0);
        self.with_body(&mut frame, |forged| {
            forged.sequence += 1 + number;
            // Every other one claims the next mastership: the most that a forger could win.
            forged.epoch += (number % 2) << 16;
            forged.tag = forged.tag.wrapping_add(1 + number);
        });
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgery_is_newer_than_its_pattern_and_never_has_its_tag() {
        let body = Frame {
            sequence: 9,
            tag: 77,
            ..Frame::default()
        };
        let mut frame = vec![1; 14 + 20 + 8];
        frame[12..15].copy_from_slice(&[0x08, 0x00, 0x45]);
        frame[23] = 17;
        frame[36..38].copy_from_slice(&crate::lab::addresses::HEARTBEAT_PORT.to_be_bytes());
        frame.extend(body.as_bytes());
        let headers = Headers::of(&frame).expect("it is a heartbeat");
        let pattern = Pattern { headers, frame };
        for number in 0..4 {
            let made = pattern.forgery(number);
            let forged = Frame::from_bytes(made[headers.body..].first_chunk().expect("a body"));
            assert!(forged.sequence > body.sequence);
            assert_ne!(forged.tag, body.tag);
            assert_eq!(made[..6], pattern.frame[..6]);
        }
    }
}
