//! Sockets that take the place of others, when an interface vanished or came back.

use std::os::fd::AsFd as _;

use heartbeat_core::message::Network;

use super::{Channel, Note, Pulse, Retired, Rewire};

impl Pulse {
    pub(super) fn rewire(&mut self, rewire: Rewire) {
        match rewire {
            Rewire::Probes(probes) => {
                if let Some(former) = self.parts.wiring.probes.replace(probes) {
                    self.note(Note::Retired(Retired::Probes(former)));
                }
            }
            Rewire::Control(channel) => {
                self.retire(channel.network);
                self.listen(channel);
            }
            Rewire::NoControl(network) => self.retire(network),
        }
    }

    fn listen(&mut self, channel: Channel) {
        match self.watch_channel(&channel) {
            Ok(()) => self.parts.wiring.control.push(channel),
            Err(error) => {
                self.note(Note::SendFailed(error.to_string()));
                self.note(Note::Retired(Retired::Control(channel)));
            }
        }
    }

    fn retire(&mut self, network: Network) {
        let is_it = |channel: &Channel| channel.network == network;
        while let Some(index) = self.parts.wiring.control.iter().position(is_it) {
            let former = self.parts.wiring.control.swap_remove(index);
            // Until it is closed it would go on waking the pulse, which no longer reads it.
            let _ = self.epoll.delete(former.datagrams.as_fd());
            if let Some(references) = &former.references {
                let _ = self.epoll.delete(references.as_fd());
            }
            self.note(Note::Retired(Retired::Control(former)));
        }
    }
}
