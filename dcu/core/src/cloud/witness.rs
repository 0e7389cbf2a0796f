//! The cloud as a witness: it keeps the newest checkpoint of the site's ledger, and shows it whenever the site starts.

use taa_ledger::{Checkpoint, note::Note};

use super::{Cloud, CloudEvent};
use crate::uplink::Down;

/// What the cloud keeps.
#[derive(Debug, Default)]
pub(super) struct Witness {
    newest: Option<(Checkpoint, String)>,
}

impl Cloud {
    /// The newest checkpoint of the site's ledger, as it was signed.
    #[must_use]
    pub fn promise(&self) -> Option<&str> {
        self.witness.newest.as_ref().map(|(_, note)| note.as_str())
    }

    /// Keeps a checkpoint, unless it takes back what one that is kept has promised. The signature is the auditor's to
    /// check: the link is authenticated, and a note that nobody signed accuses nobody.
    pub(super) fn witness(&mut self, note: &str) {
        let read = Note::parse(note.as_bytes()).ok().and_then(|parsed| Checkpoint::from_text(parsed.text()));
        let Some(checkpoint) = read else { return };
        let size = checkpoint.size;
        match &self.witness.newest {
            Some((kept, _)) if size < kept.size || (size == kept.size && *kept != checkpoint) => {
                let kept = kept.size;
                self.event(CloudEvent::PromiseBroken { kept, size });
            }
            Some((kept, _)) if size == kept.size => {}
            _ => {
                self.witness.newest = Some((checkpoint, note.to_owned()));
                self.event(CloudEvent::Promised { size });
            }
        }
    }

    pub(super) fn show_promise(&mut self) {
        if let Some((_, note)) = &self.witness.newest {
            self.downlink.push_once(Down::Witnessed { note: note.clone() });
        }
    }
}
