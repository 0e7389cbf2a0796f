//! The mesh's frames as a capture that Wireshark opens, on request.

use taa_mesh::{
    mac::{
        fcs::Fcs,
        pcapng::{self, Tap},
    },
    net::Network,
};

/// Frames kept: some 100 MB. A capture of a long run holds its beginning.
const FRAMES_MAX: usize = 1_000_000;
/// SUN FSK of 802.15.4.
const PAGE: u8 = 9;

/// Frames so far: when, and their blocks.
#[derive(Debug, Default)]
pub(super) struct Capture(Vec<(u64, Vec<u8>)>);

impl Capture {
    /// What the network has sent since.
    pub(super) fn take(&mut self, network: &mut Network) {
        while let Some(frame) = network.poll_octets() {
            if self.0.len() < FRAMES_MAX {
                let tap = Tap { rss_dbm: None, channel: Some((frame.channel, PAGE)), fcs: Some(Fcs::Long) };
                self.0.push((frame.start_ns, pcapng::packet(frame.start_ns, tap, &frame.octets)));
            }
        }
    }

    /// The file, in order of time; times are the network's, whose first node was switched on at 0. A comment in its head
    /// names the option that opens the frames. Empty without frames.
    pub(super) fn file(mut self, option: &str) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        self.0.sort_by_key(|(at_ns, _)| *at_ns);
        let mut file =
            pcapng::head_with("taa", &format!("A simulation. Frames are sealed; to open them: -o '{option}'"));
        self.0.iter().for_each(|(_, block)| file.extend_from_slice(block));
        file
    }
}
