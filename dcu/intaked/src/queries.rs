//! Asking providers, by a program of the operator's.
//!
//! It gets one line of JSON on its standard input, `{"query":"push","shortcode":…,"checkout_request_id":…}`,
//! `{"query":"momo","reference_id":…}`, `{"query":"orange","order_id":…,"amount_minor":…,"pay_token":…}` or
//! `{"query":"pull","shortcode":…,"from_unix_ms":…,"to_unix_ms":…,"offset":…}`, and writes the body of the provider's
//! answer to its standard output. Any other exit code than 0, silence beyond the time allowed, or more than a list may have
//! count as no answer: the relay asks again, as its own plan says.

use std::{process::Stdio, sync::Arc, sync::mpsc::SyncSender, time::Duration};

use serde_json::{Value, json};
use taa_intake::{provider::statement::LIST_BYTES_MAX, relay::Query};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    runtime::Handle,
    sync::Semaphore,
};

use crate::host::Ask;

/// Programs at the same time.
const PROGRAMS_MAX: usize = 8;

/// What asks.
pub(crate) struct Asker {
    pub(crate) program: Vec<String>,
    pub(crate) timeout: Duration,
    pub(crate) runtime: Handle,
    pub(crate) back: SyncSender<Ask>,
}

impl Asker {
    /// Asks, and tells the relay what was answered. Without a program nobody is asked.
    pub(crate) fn into_fn(self) -> Box<dyn FnMut(Query) + Send> {
        let permits = Arc::new(Semaphore::new(PROGRAMS_MAX));
        Box::new(move |query| {
            let Some((program, arguments)) = self.program.split_first() else { return };
            let mut command = Command::new(program);
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
            command.kill_on_drop(true);
            let line = line(&query);
            let (permits, back, timeout) = (permits.clone(), self.back.clone(), self.timeout);
            self.runtime.spawn(async move {
                let Ok(_permit) = permits.acquire().await else { return };
                let answer = tokio::time::timeout(timeout, run(command, line)).await.ok().flatten();
                // A relay that is too busy to hear it asks again.
                let _ = back.try_send(told(query, answer));
            });
        })
    }
}

async fn run(mut command: Command, line: String) -> Option<Vec<u8>> {
    let mut child = command.spawn().ok()?;
    let (mut input, output) = (child.stdin.take()?, child.stdout.take()?);
    // A program that does not read its question may still answer.
    let _ = input.write_all(line.as_bytes()).await;
    drop(input);
    let mut body = Vec::new();
    let most = u64::try_from(LIST_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    output.take(most).read_to_end(&mut body).await.ok()?;
    if body.len() > LIST_BYTES_MAX {
        return None;
    }
    child.wait().await.ok().filter(std::process::ExitStatus::success).map(|_| body)
}

fn line(query: &Query) -> String {
    let question: Value = match query {
        Query::Push { shortcode, checkout_request_id } => {
            json!({ "query": "push", "shortcode": shortcode, "checkout_request_id": checkout_request_id })
        }
        Query::Momo { reference_id } => json!({ "query": "momo", "reference_id": reference_id }),
        Query::Orange { order_id, amount_minor, pay_token } => {
            json!({ "query": "orange", "order_id": order_id, "amount_minor": amount_minor, "pay_token": pay_token })
        }
        Query::Pull { shortcode, from_unix_ms, to_unix_ms, offset } => json!({
            "query": "pull", "shortcode": shortcode, "from_unix_ms": from_unix_ms, "to_unix_ms": to_unix_ms,
            "offset": offset,
        }),
    };
    format!("{question}\n")
}

fn told(query: Query, answer: Option<Vec<u8>>) -> Ask {
    match query {
        Query::Pull { shortcode, offset, .. } => Ask::Pulled { shortcode, offset, answer },
        other => {
            let (provider, id) = other.request();
            Ask::Status { provider, id: id.to_owned(), answer }
        }
    }
}
