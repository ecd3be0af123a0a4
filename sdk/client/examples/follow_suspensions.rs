//! Prints partners' suspensions as they become known, as a national risk system would take them in.
//!
//! ```console
//! $ cargo run -p precinto-client --example follow_suspensions -- \
//!     http://127.0.0.1:8702 network/nodes/2/tokens/auditor [FROM]
//! ```
//!
//! Every line begins with the event's id. Whoever stores it with what was done about the event goes on
//! after it, without gap or repetition: start again with `FROM` = the id after it.

use std::{error::Error, io::Write};

use futures::StreamExt;
use precinto_client::{Client, EventFilter};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(token_file)) = (args.next(), args.next()) else {
        return Err("usage: follow_suspensions URL TOKEN_FILE [FROM]".into());
    };
    let token = std::fs::read_to_string(&token_file)?;
    let filter = EventFilter {
        from: args.next(),
        contract: Some("aeo".into()),
        topic: Some("aeo.suspended".into()),
    };
    // Reconnects and resumes by itself; an error is the last item.
    let mut events = Client::new(&url, token.trim())?.events(filter);
    let mut out = std::io::stdout();
    while let Some(event) = events.next().await {
        let event = event?;
        // Absent only if the node is of an older version than the event.
        let Some(change) = event.transition else { continue };
        writeln!(
            out,
            "{}-{} {} suspended {} ({}), effective {} ms since 1970",
            event.height,
            event.index,
            event.member,
            change.authorization.number,
            change.class.as_deref().unwrap_or("no reason given"),
            change.effective_ms,
        )?;
        out.flush()?;
    }
    Ok(())
}
