//! Where the village is, and what its clocks show.

use crate::diagnostics::{Diagnostics, SettingProblem};
use crate::document::Document;
use crate::import::Imported;
use crate::model::Site;
use crate::schema::SiteSection;
use crate::weather::{WeatherFile, distance_km};

/// A site farther than this from its buildings is a mistake, km.
const SITE_MAX_KM: f64 = 20.0;

/// Countries of the Eastern and Southern African mini-grid belt by a box around them, with their clock: enough to
/// guess, not to map. `[south, west, north, east]`, degrees; the first box that fits decides.
const CLOCKS: [([f64; 4], i32); 9] = [
    ([-4.5, 28.8, -1.0, 30.9], 2),   // Rwanda, Burundi
    ([-17.2, 32.6, -9.3, 35.9], 2),  // Malawi
    ([-11.8, 29.3, 5.0, 41.9], 3),   // Tanzania, Kenya, Uganda
    ([3.4, 32.9, 14.9, 51.5], 3),    // Ethiopia, Somalia
    ([-26.0, 43.0, -11.9, 50.6], 3), // Madagascar
    ([-35.0, 19.9, -8.2, 40.9], 2),  // Zambia, Mozambique, Zimbabwe, Botswana, South Africa
    ([1.6, 2.7, 13.9, 16.2], 1),     // Nigeria, Cameroon
    ([6.1, 1.6, 12.5, 3.9], 1),      // Benin
    ([4.3, -17.6, 15.1, 0.8], 0),    // Senegal to Ghana
];

/// The site, or what is wrong with it.
pub(super) fn site(
    document: &Document,
    section: &SiteSection,
    imported: &Imported,
    weather: Option<&WeatherFile>,
    notes: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<Site> {
    let [centre_lon, centre_lat] = imported.centre_deg();
    let mut sound = true;
    for (field, value, most) in [("site.lat_deg", section.lat_deg, 90.0), ("site.lon_deg", section.lon_deg, 180.0)] {
        if let Some(degrees) = value.filter(|degrees: &f64| degrees.abs() > most) {
            found.push(SettingProblem::Coordinates { at: document.at(field), found: degrees });
            sound = false;
        }
    }
    let (lat_deg, lon_deg) = (section.lat_deg.unwrap_or(centre_lat), section.lon_deg.unwrap_or(centre_lon));
    let km = distance_km(lat_deg, lon_deg, centre_lat, centre_lon);
    if sound && km > SITE_MAX_KM {
        let swapped = distance_km(lon_deg, lat_deg, centre_lat, centre_lon) < SITE_MAX_KM;
        let swapped = if swapped { "; latitude and longitude are swapped" } else { "" };
        found.push(SettingProblem::FarFromBuildings { at: document.at("site.lat_deg"), km, swapped });
        sound = false;
    }
    if let (Some(weather), None) = (weather, section.lat_deg)
        && let Some(problem) = imported.check_near(weather.lat_deg, weather.lon_deg, "the weather file's site")
    {
        found.push(problem);
        sound = false;
    }
    let utc_offset_s = match section.utc_offset_h {
        Some(hours) if (-12.0..=14.0).contains(&hours) && (hours * 4.0).fract() == 0.0 => (hours * 3600.0) as i32,
        Some(hours) => {
            found.push(SettingProblem::UtcOffset { at: document.at("site.utc_offset_h"), found: hours });
            return None;
        }
        None => {
            let guess = guess_utc_offset_s(lat_deg, lon_deg, weather);
            notes.push(format!("Local time is taken to be UTC{:+} h (guessed from the place).", guess / 3600));
            guess
        }
    };
    if section.utc_offset_h.is_some() && sound {
        odd_noon(document, lon_deg, utc_offset_s, found);
    }
    sound.then_some(Site { lat_deg, lon_deg, utc_offset_s })
}

/// Local noon more than two and a half hours from the sun's (western China's is two hours off).
fn odd_noon(document: &Document, lon_deg: f64, utc_offset_s: i32, found: &mut Diagnostics) {
    let by_sun_s = lon_deg * 240.0;
    let late_s = f64::from(utc_offset_s) - by_sun_s;
    if late_s.abs() > 9000.0 {
        let noon_min = ((43_200.0 + late_s) / 60.0).rem_euclid(1440.0).round() as u32;
        found.push(SettingProblem::OddNoon {
            at: document.at("site.utc_offset_h"),
            noon: format!("{:02}:{:02}", noon_min / 60, noon_min % 60),
            suggested: (lon_deg / 15.0).round() as i64,
        });
    }
}

/// Offset of local time from UTC, seconds: a known country's, else the weather file's own clock when its site is near
/// and its clock is a local one, else the longitude's.
pub(crate) fn guess_utc_offset_s(lat_deg: f64, lon_deg: f64, weather: Option<&WeatherFile>) -> i32 {
    let inside =
        |[south, west, north, east]: [f64; 4]| (south..=north).contains(&lat_deg) && (west..=east).contains(&lon_deg);
    if let Some((_, hours)) = CLOCKS.iter().find(|(bounds, _)| inside(*bounds)) {
        return hours * 3600;
    }
    let by_sun_s = (lon_deg / 15.0).round() as i32 * 3600;
    match weather {
        Some(file) if distance_km(lat_deg, lon_deg, file.lat_deg, file.lon_deg) < 500.0 && file.utc_offset_s != 0 => {
            if (file.utc_offset_s - by_sun_s).abs() <= 7200 {
                file.utc_offset_s
            } else {
                by_sun_s
            }
        }
        _ => by_sun_s,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_of_known_places() {
        let hours = |lat, lon| guess_utc_offset_s(lat, lon, None) / 3600;
        assert_eq!(hours(-2.85, 33.61), 3); // Jija, Tanzania
        assert_eq!(hours(-8.83, 32.85), 3); // Ipoloto, Tanzania
        assert_eq!(hours(-9.63, 39.19), 3); // Nakiu, Tanzania
        assert_eq!(hours(3.12, 35.62), 3); // Lodwar, Kenya
        assert_eq!(hours(9.0, 8.7), 1); // Nigeria
        assert_eq!(hours(7.1, 2.24), 1); // Samionta, Benin
        assert_eq!(hours(-15.0, 28.3), 2); // Zambia
        assert_eq!(hours(-1.95, 30.1), 2); // Kigali
        assert_eq!(hours(27.7, 85.3), 6); // Nepal is 5:45: a guess
    }
}
