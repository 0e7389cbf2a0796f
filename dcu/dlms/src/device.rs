//! What makers publish about their meters, as data files (`devices/*.toml`): which clients there are, how they prove
//! who they are, which links a meter has.
//!
//! A profile is a hint for the first contact, never the truth about a meter: the association and the object list are.
//! What a maker does not publish is left out of its file, and is `None` here.
//!
//! ```
//! use taa_dlms::device::{AuthKind, DeviceProfile};
//!
//! let hexing = DeviceProfile::from_toml(taa_dlms::device::HEXING_HXE110)?;
//! let manager = hexing.client_named("management").expect("published");
//! assert_eq!((manager.sap, manager.auth.first()), (1, Some(&AuthKind::High)));
//! assert_eq!(hexing.mode_e, None, "not published");
//! # Ok::<(), taa_dlms::device::DeviceError>(())
//! ```

use serde::Deserialize;

/// Hexing HXE110, single phase.
pub const HEXING_HXE110: &str = include_str!("../devices/hexing_hxe110.toml");
/// Hexing HXF300, poly-phase.
pub const HEXING_HXF300: &str = include_str!("../devices/hexing_hxf300.toml");
/// Hexing HXE310, three phases.
pub const HEXING_HXE310: &str = include_str!("../devices/hexing_hxe310.toml");
/// Hexing HXE12-KP, single phase, keypad.
pub const HEXING_HXE12_KP: &str = include_str!("../devices/hexing_hxe12_kp.toml");
/// CHINT DDSU666: no DLMS.
pub const CHINT_DDSU666: &str = include_str!("../devices/chint_ddsu666.toml");
/// CHINT's DLMS meters: nothing published was found.
pub const CHINT_DLMS: &str = include_str!("../devices/chint_dlms.toml");
/// Calin CA168.
pub const CALIN_CA168: &str = include_str!("../devices/calin_ca168.toml");

/// All files.
pub const ALL: [&str; 7] =
    [HEXING_HXE110, HEXING_HXF300, HEXING_HXE310, HEXING_HXE12_KP, CHINT_DDSU666, CHINT_DLMS, CALIN_CA168];

/// What is published about a model.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct DeviceProfile {
    /// Who makes it.
    pub maker: String,
    /// Its name.
    pub model: String,
    /// Where this is published.
    pub source: String,
    /// What it speaks.
    pub protocol: Option<String>,
    /// DLMS is reached by IEC 62056-21 mode E on the optical port.
    pub mode_e: Option<bool>,
    /// Takes STS tokens.
    pub sts: Option<bool>,
    /// Comes with Wi-SUN on request.
    pub wisun_optional: Option<bool>,
    /// Its clients.
    #[serde(default, rename = "client")]
    pub clients: Vec<DeviceClient>,
}

/// A client that a meter knows.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct DeviceClient {
    /// Its address.
    pub sap: u16,
    /// Its name.
    pub name: String,
    /// How it proves who it is, best first; empty for an association that always stands.
    pub auth: Vec<AuthKind>,
    /// How its messages may be protected, where that is published.
    pub protection: Option<Vec<ProtectionKind>>,
    /// May be used over the network.
    pub remote: Option<bool>,
    /// May be used at the local port.
    pub local: Option<bool>,
    /// What else is to be known.
    pub note: Option<String>,
}

/// Level of authentication. Makers say "high" without saying which mechanism.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// None.
    None,
    /// A password.
    Low,
    /// Any of the high-level mechanisms.
    High,
}

/// Protection of messages.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ProtectionKind {
    /// None.
    None,
    /// Authenticated.
    Authenticated,
    /// Encrypted.
    Encrypted,
    /// Both.
    AuthenticatedEncrypted,
}

/// A file that is no profile. The text says where; the file is ours, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a device profile: {0}")]
pub struct DeviceError(String);

impl DeviceProfile {
    /// From the text of a file.
    ///
    /// # Errors
    /// [`DeviceError`] with what is wrong and where; also when two clients share an address.
    pub fn from_toml(text: &str) -> Result<Self, DeviceError> {
        let profile: Self = toml::from_str(text).map_err(|error| DeviceError(error.to_string()))?;
        let mut saps: Vec<u16> = profile.clients.iter().map(|client| client.sap).collect();
        saps.sort_unstable();
        saps.dedup();
        if saps.len() == profile.clients.len() {
            Ok(profile)
        } else {
            Err(DeviceError("two clients of one address".into()))
        }
    }

    /// A client by its address.
    #[must_use]
    pub fn client(&self, sap: u16) -> Option<&DeviceClient> {
        self.clients.iter().find(|client| client.sap == sap)
    }

    /// A client by its name.
    #[must_use]
    pub fn client_named(&self, name: &str) -> Option<&DeviceClient> {
        self.clients.iter().find(|client| client.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_profiles_and_name_their_source() {
        for text in ALL {
            let profile = DeviceProfile::from_toml(text).unwrap();
            assert!(!profile.source.is_empty() && !profile.maker.is_empty(), "{profile:?}");
        }
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/devices")).unwrap().count();
        assert_eq!(files, ALL.len(), "a file that nobody can read");
    }

    #[test]
    fn the_published_clients_are_there_and_the_rest_is_open() {
        let hexing = DeviceProfile::from_toml(HEXING_HXE110).unwrap();
        let saps: Vec<u16> = hexing.clients.iter().map(|client| client.sap).collect();
        assert_eq!(saps, [16, 2, 1, 102]);
        assert_eq!(hexing.client(102).unwrap().auth, []);
        assert_eq!(hexing.client(1).unwrap().remote, None, "the manual does not say");
        for open in [CHINT_DLMS, CALIN_CA168] {
            assert!(DeviceProfile::from_toml(open).unwrap().clients.is_empty());
        }
    }

    #[test]
    fn wrong_files_are_refused() {
        let head = "maker = 'x'\nmodel = 'y'\nsource = 'z'\n";
        assert!(DeviceProfile::from_toml(head).is_ok());
        let client = "[[client]]\nsap = 1\nname = 'a'\nauth = ['low']\n";
        assert!(DeviceProfile::from_toml(&format!("{head}{client}")).is_ok());
        for bad in ["colour = 'red'", &format!("{client}{client}"), "[[client]]\nsap = 70000\nname = 'a'\nauth = []"] {
            assert!(DeviceProfile::from_toml(&format!("{head}{bad}")).is_err(), "{bad}");
        }
    }
}
