//! An outside client as a process: orders in, answers out, one JSON line each.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value as Json, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/outside/main.py");
/// Longer than the client waits for our server.
const PATIENCE: Duration = Duration::from_secs(20);

/// The interpreter that has the outside clients.
pub(crate) fn python() -> Option<String> {
    std::env::var("TAA_DLMS_PYTHON").ok().filter(|path| !path.is_empty())
}

/// Which package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Library {
    Gurux,
    Cosem,
}

impl Library {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gurux => "gurux",
            Self::Cosem => "cosem",
        }
    }

    /// The versions that the known defects were seen in; `xtask` installs them.
    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Gurux => "1.0.203",
            Self::Cosem => "25.1.0",
        }
    }
}

/// What a client said against it, and the last bytes that it had received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) error: String,
    /// What it printed before.
    pub(crate) said: String,
    pub(crate) received: String,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        format!("{} {}; received last {}", fault.error, fault.said, fault.received).into()
    }
}

/// One client process.
pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
}

impl Process {
    fn start(library: Library) -> Result<Self, Failed> {
        let python = python().ok_or("TAA_DLMS_PYTHON names no interpreter")?;
        let mut child = Command::new(python)
            .args(["-B", SCRIPT, library.name()])
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no input")?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let (send, answers) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let process = Self { child, orders, answers };
        let version = process.answer()??;
        if version != library.version() {
            return Err(format!("{} is {version}, {} was wanted", library.name(), library.version()).into());
        }
        Ok(process)
    }

    fn answer(&self) -> Result<Result<Json, Fault>, Failed> {
        let line = self.answers.recv_timeout(PATIENCE).map_err(|end| format!("the client's process: {end}"))?;
        let mut answer: Json = serde_json::from_str(&line)?;
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        Ok(match answer.get("error") {
            Some(error) => {
                Err(Fault { error: text(error), said: text(&answer["said"]), received: text(&answer["received"]) })
            }
            None => Ok(answer["ok"].take()),
        })
    }

    /// Gives an order; the outer error is the process's, the inner one the client's.
    pub(crate) fn ask(&mut self, op: &str, mut order: Json) -> Result<Result<Json, Fault>, Failed> {
        order["op"] = json!(op);
        writeln!(self.orders, "{order}")?;
        self.answer()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes that wait for work: starting one takes longer than a cell.
pub(crate) static IDLE: Mutex<Vec<(Library, Process)>> = Mutex::new(Vec::new());

/// A process of that library, to be given back when it is in order.
pub(crate) fn take(library: Library) -> Result<Process, Failed> {
    let mut idle = IDLE.lock().map_err(|_| "the pool is broken")?;
    let found = idle.iter().position(|(has, _)| *has == library);
    match found {
        Some(at) => Ok(idle.swap_remove(at).1),
        None => {
            drop(idle);
            Process::start(library)
        }
    }
}

pub(crate) fn give_back(library: Library, process: Process) {
    if let Ok(mut idle) = IDLE.lock() {
        idle.push((library, process));
    }
}
