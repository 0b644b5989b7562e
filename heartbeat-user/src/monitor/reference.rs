//! Devices on the business network that answer this node: the way its clients come is whole.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{interval, timeout};

use super::link;
use super::look::Fault;
use crate::config::Connection;
use crate::net::references::References;

/// The question's number: each look asks by a socket and a secret of its own.
const QUESTION: u64 = 1;
/// How often answers are looked for: a device on this very network takes some hundred microseconds.
const LOOK: Duration = Duration::from_millis(2);

/// Looks whether the interface has its carrier, and whether a majority of the devices answers within `limit`.
pub(super) async fn look(
    business: Option<&Connection>,
    devices: &[IpAddr],
    limit: Duration,
) -> Result<(), Fault> {
    link::look(business.map(|it| it.interface.as_str()))?;
    let Some(connection) = business else {
        return Ok(());
    };
    let mut heard = vec![false; devices.len()];
    let asked = ask(connection, devices, &mut heard);
    match timeout(limit, asked).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Fault::Found(error)),
        Err(_) => {
            let silent: Vec<String> = (devices.iter().zip(&heard))
                .filter(|(_, is_heard)| !**is_heard)
                .map(|(device, _)| device.to_string())
                .collect();
            Err(Fault::Found(format!(
                "no answer from {} on {} within {} ms",
                silent.join(" and "),
                connection.interface,
                limit.as_millis()
            )))
        }
    }
}

/// Ends when a majority answered.
async fn ask(
    connection: &Connection,
    devices: &[IpAddr],
    heard: &mut [bool],
) -> Result<(), String> {
    let secret = getrandom::u64().map_err(|error| format!("no random numbers: {error}"))?;
    let (interface, address) = (&connection.interface, connection.address);
    let references = References::open(interface, address, devices, secret);
    let references = references.map_err(|error| error.to_string())?;
    // What could not be sent is not answered either.
    let _ = references.ask(QUESTION);
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        while let Some(answer) = references.next_answer() {
            heard[usize::from(answer.reference)] = true;
        }
        if heard.iter().filter(|is_heard| **is_heard).count() * 2 > devices.len() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_without_an_interface_there_has_no_business_network() {
        let device = [IpAddr::from([203, 0, 113, 254])];
        let absent = Connection {
            address: IpAddr::from([203, 0, 113, 1]),
            interface: "nowhere0".to_owned(),
        };
        for business in [None, Some(&absent)] {
            let found = look(business, &device, Duration::from_millis(10)).await;
            assert!(matches!(found, Err(Fault::Found(_))), "{found:?}");
        }
    }
}
