//! A connection that is accepted.

use std::net::SocketAddr;

use tokio::net::TcpStream;

/// Connects, and closes again.
pub(super) async fn look(address: SocketAddr) -> Result<(), String> {
    match TcpStream::connect(address).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("no connection to {address}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_is_well_while_somebody_listens() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        assert_eq!(look(address).await, Ok(()));
        drop(listener);
        let fault = look(address).await.expect_err("nobody listens");
        assert!(fault.contains("refused"), "{fault}");
    }
}
