//! Writing a plan back: the old file is kept beside the new one, the new one is there whole or not at all.

use std::{fs, path::PathBuf};

use taa_scenarios::{Overrides, model::Place, village::amend};

use super::Told;
use crate::{Failure, show, study};

/// A village file that can take a plan.
pub(super) struct Target {
    file: PathBuf,
    text: String,
    folder: PathBuf,
}

impl Target {
    /// Finds the file that the scenario names and tries a change that changes nothing.
    pub(super) fn open(folder: &std::path::Path) -> Result<Self, Failure> {
        let file = taa_scenarios::village_file(folder).map_err(|found| show::input(&found))?;
        let text = fs::read_to_string(&file).map_err(|error| Failure::Input(format!("{}: {error}", file.display())))?;
        let site = taa_scenarios::model::Site { lat_deg: 0.0, lon_deg: 0.0, utc_offset_s: 0 };
        amend(&file, &text, &site, None, &[]).map_err(|error| Failure::Input(error.to_string()))?;
        Ok(Self { file, text, folder: folder.to_owned() })
    }

    /// Writes the plan; what to tell.
    pub(super) fn write(&self, told: &Told<'_>) -> Result<Vec<String>, Failure> {
        let (places, plan) = (told.places, told.plan);
        let file = self.file.display();
        if plan.root == 0 && plan.relays.is_empty() {
            return Ok(vec![format!("{file}: nothing to change.")]);
        }
        let relays: Vec<Place> = plan.relays.iter().map(|&place| places.relays[place].place.clone()).collect();
        let dcu = (plan.root != 0).then(|| &places.roots[plan.root].place);
        let text = amend(&self.file, &self.text, &told.scenario.site, dcu, &relays)
            .map_err(|error| Failure::Input(error.to_string()))?;
        // Somebody may have drawn in it meanwhile.
        let now = fs::read_to_string(&self.file).unwrap_or_default();
        if now != self.text {
            return Err(Failure::Input(format!(
                "{file}: it was changed while the plan was made; nothing was written."
            )));
        }
        let kept = self.keep()?;
        study::whole(&self.file, &text)?;
        if let Err(found) = taa_scenarios::load(&self.folder, &Overrides::default()) {
            study::whole(&self.file, &self.text)?;
            return Err(Failure::Own(format!("the changed {file} could not be read again and was put back: {found}")));
        }
        Ok(vec![format!("Written: {file}"), format!("Undo:    mv '{}' '{file}'", kept.display())])
    }

    /// A copy under the first free name.
    fn keep(&self) -> Result<PathBuf, Failure> {
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut count = 1;
        loop {
            let kept = self.file.with_file_name(format!("{stem}.before-plan-{count}.geojson"));
            if !kept.exists() {
                study::whole(&kept, &self.text)?;
                return Ok(kept);
            }
            count += 1;
        }
    }
}
