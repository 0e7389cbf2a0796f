//! The cloud as a witness: it keeps the newest checkpoint of the site's ledger and how far its journal went, and shows them
//! whenever the site starts.

use taa_ledger::{Checkpoint, note::Note};

use super::{Cloud, CloudEvent};
use crate::uplink::{Down, DownFrame, Standing};

/// What the cloud keeps.
#[derive(Debug, Default)]
pub(super) struct Witness {
    newest: Option<(Checkpoint, String)>,
    standing: Option<Standing>,
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

    /// How far the site's journal goes, as far as it has told.
    #[must_use]
    pub const fn standing(&self) -> Option<Standing> {
        self.witness.standing
    }

    /// Without a number: who does not hear it asks again.
    pub(super) fn show_standing(&mut self) {
        let body = Down::Standing(self.witness.standing);
        self.send_now(&DownFrame { sequence: 0, body });
    }

    /// Keeps the newest. Within an epoch numbers only rise; frames that overtook each other are no matter.
    pub(super) fn keep_standing(&mut self, told: Standing) {
        let Some(kept) = self.witness.standing else {
            self.witness.standing = Some(told);
            return;
        };
        let (before, record) = (kept.record, told.record);
        if told.epoch > kept.epoch {
            self.witness.standing = Some(told);
            self.event(CloudEvent::SiteRolledBack { kept: before, record });
        } else if told.epoch < kept.epoch || !kept.is_of(told.journal) {
            self.event(CloudEvent::StandingBehind { kept: before, record });
        } else if record > before {
            self.witness.standing = Some(told);
        }
    }
}
