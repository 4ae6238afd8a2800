//! A client that sends a request and is gone before it is answered.

use serde_json::Value;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Posts leads to the API of this address, all of them, and closes the connection after so long
/// without having read a word.
///
/// # Errors
/// When the API cannot be reached.
pub(super) async fn post_and_hang_up(
    api: &str,
    leads: &Value,
    after: Duration,
) -> std::io::Result<()> {
    let address = api.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await?;
    let body = leads.to_string();
    let length = body.len();
    let request = format!(
        "POST /v1/leads HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    connection.write_all(request.as_bytes()).await?;
    tokio::time::sleep(after).await;
    connection.shutdown().await
}
