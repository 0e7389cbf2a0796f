//! A cell of the matrix: one client, one service, one link, one security, and a meter of its own.

use libtest_mimic::Failed;
use serde_json::{Value as Json, json};
use taa_dlms::Obis;
use taa_dlms::server::ServerConfig;

use crate::meter;
use crate::process::{self, Fault, Library, Process};
use crate::security::Security;
use crate::service::Service;
use crate::station::{Hdlc, Link, PLAIN, Station, Tamper};

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) library: Library,
    pub(crate) service: Service,
    pub(crate) link: Link,
    pub(crate) security: Security,
    pub(crate) hdlc: Hdlc,
}

impl Cell {
    /// The trial's name.
    pub(crate) fn name(&self) -> String {
        let framing = if self.hdlc == PLAIN { String::new() } else { format!("_{}", self.hdlc.name()) };
        let Self { library, link, security, service, .. } = self;
        let name = format!("{}::{}{framing}::{}::{}", library.name(), link.name(), security.name, service.name());
        name.replace(", ", "_").replace([' ', '/'], "_")
    }

    /// Associates, does the service, releases; what does not hold, if anything.
    pub(crate) fn run(&self) -> Result<(), Failed> {
        self.run_tampered(None)
    }

    /// The same with what the server sends changed once the association stands.
    pub(crate) fn run_tampered(&self, tamper: Option<Tamper>) -> Result<(), Failed> {
        let server = self.security.server(&ServerConfig::default());
        let station = Station::new(self.link, self.hdlc, server)?;
        let associates = self.service != Service::PushAlone;
        let mut order = self.security.order(self.service.pdu_max());
        order["associate"] = json!(associates);
        let mut talk = Talk::open(self.library, station, self.link, self.hdlc, &order)??;
        if self.security.short && self.service != Service::Objects {
            talk.ask("objects", json!({}))?;
        }
        talk.station.inside()?.tamper = tamper;
        let done = self.service.run(&mut talk, self);
        talk.station.inside()?.tamper = None;
        let managed = talk.station.inside()?.server.is_managed();
        let closed = talk.close(done.is_err() || !associates)?;
        done?;
        closed?;
        if managed == (associates && !self.security.public) {
            Ok(())
        } else {
            Err("the server counted another client as associated".into())
        }
    }
}

/// A client in conversation with a station.
pub(crate) struct Talk {
    library: Library,
    process: Option<Process>,
    pub(crate) station: Station,
    /// What the client tells of the association.
    pub(crate) opened: Json,
}

impl Talk {
    /// Makes the line and associates; the inner error is the client's.
    pub(crate) fn open(
        library: Library,
        station: Station,
        link: Link,
        hdlc: Hdlc,
        security: &Json,
    ) -> Result<Result<Self, Fault>, Failed> {
        let mut process = process::take(library)?;
        match link.line() {
            "pty" => {
                let path = process.ask("line", json!({"kind": "pty"}))??;
                station.attach(path.as_str().ok_or("no path")?)?;
            }
            kind => {
                let port = if kind == "udp" { station.bind()? } else { station.listen()? };
                process.ask("line", json!({"kind": kind, "port": port}))??;
            }
        }
        let framing = json!({"width": hdlc.width, "info": hdlc.information, "window": hdlc.window});
        let opened = process.ask("open", json!({"link": link.word(), "security": security, "hdlc": framing}))?;
        let mut talk = Self { library, process: Some(process), station, opened: Json::Null };
        Ok(match opened {
            Ok(told) => {
                talk.opened = told;
                Ok(talk)
            }
            Err(fault) => {
                talk.close(true)?.map_err(Failed::from)?;
                Err(fault)
            }
        })
    }

    /// One order; what the client said against it is an error.
    pub(crate) fn ask(&mut self, op: &str, order: Json) -> Result<Json, Failed> {
        Ok(self.try_ask(op, order)??)
    }

    /// One order; the inner error is the client's.
    pub(crate) fn try_ask(&mut self, op: &str, order: Json) -> Result<Result<Json, Fault>, Failed> {
        self.process.as_mut().ok_or("the client is gone")?.ask(op, order)
    }

    /// What the server holds there.
    pub(crate) fn held(&self, class: u16, obis: Obis, attribute: i8) -> Result<Json, Failed> {
        Ok(meter::held(&mut self.station.inside()?.model, class, obis, attribute))
    }

    /// Releases and closes; abruptly the line alone. The process goes back to the pool.
    pub(crate) fn close(mut self, abrupt: bool) -> Result<Result<(), Fault>, Failed> {
        let mut process = self.process.take().ok_or("the client is gone")?;
        let closed = process.ask("close", json!({ "abrupt": abrupt }))?;
        process::give_back(self.library, process);
        Ok(closed.map(drop))
    }
}
