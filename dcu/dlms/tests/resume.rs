//! A profile whose reading breaks off is gone on with, wherever it broke, and comes out as if nothing had happened.

mod common;

use common::{PASSWORD, Told};
use taa_dlms::apdu::{ActionResult, DataAccessResult, Selection};
use taa_dlms::axdr::{DateTime, put_date_time, put_null, put_u32};
use taa_dlms::client::{Auth, Client, ClientConfig, Output, Referencing};
use taa_dlms::cosem::profile::{self, ProfileSource, put_buffer};
use taa_dlms::cosem::{AttributeAccess, CaptureObject, ObjectEntry, ObjectModel, ProfileRange};
use taa_dlms::error::{Misuse, TransportFault};
use taa_dlms::server::{Server, ServerConfig};
use taa_dlms::{AttributeRef, MethodRef, Value, obis};
use taa_keys::Secret;

const START_UNIX_S: i64 = 1_772_150_400;
const ROWS: usize = 60;
const ATTRIBUTES: &[AttributeAccess] =
    &[AttributeAccess::read(profile::BUFFER), AttributeAccess::read(profile::ENTRIES_IN_USE)];
const OBJECTS: &[ObjectEntry] = &[ObjectEntry {
    class: profile::CLASS,
    version: 1,
    obis: obis::LOAD_PROFILE,
    attributes: ATTRIBUTES,
    methods: &[],
}];

/// Hourly rows of time and energy; with `sparse`, only every fourth row tells its time.
struct Profile {
    columns: [CaptureObject; 2],
    sparse: bool,
}

impl ProfileSource for Profile {
    fn len(&self) -> usize {
        ROWS
    }

    fn columns(&self) -> &[CaptureObject] {
        &self.columns
    }

    fn unix_s(&self, row: usize) -> i64 {
        START_UNIX_S + 3600 * row as i64
    }

    fn put_cell(&self, row: usize, column: usize, out: &mut Vec<u8>) {
        match column {
            0 if self.sparse && !row.is_multiple_of(4) => put_null(out),
            0 => put_date_time(out, &DateTime::from_unix_s(self.unix_s(row), 0)),
            _ => put_u32(out, 1000 + row as u32),
        }
    }
}

impl ObjectModel for Profile {
    fn objects(&self) -> &[ObjectEntry] {
        OBJECTS
    }

    fn read(
        &mut self,
        attribute: AttributeRef,
        selection: Option<Selection<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        if attribute.attribute == profile::ENTRIES_IN_USE {
            put_u32(out, ROWS as u32);
            return Ok(());
        }
        put_buffer(self, selection, 0, out)
    }

    fn write(&mut self, _: AttributeRef, _: &Value) -> Result<(), DataAccessResult> {
        Err(DataAccessResult::ReadWriteDenied)
    }

    fn invoke(&mut self, _: MethodRef, _: Option<&Value>) -> Result<(), ActionResult> {
        Err(ActionResult::ReadWriteDenied)
    }
}

struct Wire {
    client: Client,
    server: Server,
    model: Profile,
    /// How many frames from the client still get through before the connection closes.
    frames_left: usize,
}

impl Wire {
    fn new(sparse: bool, referencing: Referencing) -> Self {
        let column = CaptureObject::new(3, obis::ACTIVE_ENERGY_IMPORT, 2);
        let client = ClientConfig { pdu_max: 128, referencing, ..ClientConfig::new(Auth::password(PASSWORD)) };
        let server = ServerConfig {
            management_password: Some(Secret::new(PASSWORD)),
            short_names: true,
            ..ServerConfig::default()
        };
        Self {
            client: Client::new(client),
            server: Server::new(server),
            model: Profile { columns: [CaptureObject::CLOCK, column], sparse },
            frames_left: usize::MAX,
        }
    }

    fn run(&mut self) -> Told {
        let mut last = None;
        let mut reply = Vec::new();
        loop {
            match self.client.poll_output() {
                Output::Transmit(frame) => {
                    let answered = self.server.handle_receive(&mut self.model, frame, &mut reply);
                    if self.frames_left == 0 {
                        self.client.handle_closed(0);
                    } else if answered {
                        self.frames_left -= 1;
                        self.client.handle_receive(0, &reply);
                    }
                }
                Output::Event(event) => last = Some(Told::from(event)),
                Output::SetLine(line) => panic!("no line to set: {line:?}"),
                Output::Timeout(_) => return last.expect("an event"),
            }
        }
    }
}

fn ranges() -> [ProfileRange; 5] {
    let at = |row: i64| START_UNIX_S + 3600 * row;
    [
        ProfileRange::All,
        ProfileRange::Last(45),
        ProfileRange::Between(at(4), at(50)),
        ProfileRange::Entries(3, 52),
        ProfileRange::Entries(7, 0),
    ]
}

#[test]
fn a_profile_that_broke_off_comes_out_whole() {
    for (sparse, referencing) in
        [(false, Referencing::LogicalNames), (true, Referencing::LogicalNames), (false, Referencing::ShortNames)]
    {
        for range in ranges() {
            let mut whole = Wire::new(sparse, referencing);
            whole.client.read_profile(0, obis::LOAD_PROFILE, range).unwrap();
            let expected = whole.run();
            let Told::Rows(rows) = &expected else { panic!("{expected:?}") };
            assert!(rows.len() >= 45);
            let mut kept_something = false;
            for breaks in [[4, 9], [6, 3], [9, 5], [14, 8], [20, 6]] {
                let mut wire = Wire::new(sparse, referencing);
                wire.frames_left = breaks[0];
                wire.client.read_profile(0, obis::LOAD_PROFILE, range).unwrap();
                let told = wire.run();
                if told == expected {
                    continue;
                }
                assert_eq!(told, Told::Failed(TransportFault::Closed.into()));
                let Some(kept) = wire.client.half_read_rows() else { continue };
                kept_something = true;
                assert!(kept > 0 && kept < rows.len());
                // It breaks again while going on.
                wire.frames_left = breaks[1];
                wire.client.resume_profile(0).unwrap();
                let mut told = wire.run();
                if told == Told::Failed(TransportFault::Closed.into()) {
                    assert!(wire.client.half_read_rows() >= Some(kept), "what was kept stays kept");
                    wire.frames_left = usize::MAX;
                    wire.client.resume_profile(0).unwrap();
                    told = wire.run();
                }
                assert_eq!(told, expected, "{range:?} {sparse} {breaks:?}");
            }
            assert!(kept_something, "{range:?}");
        }
    }
}

/// Sabotage: without what was kept, the second half alone is not the profile.
#[test]
fn the_rest_alone_is_not_the_profile() {
    let mut wire = Wire::new(false, Referencing::LogicalNames);
    wire.frames_left = 9;
    wire.client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::All).unwrap();
    wire.run();
    let kept = u32::try_from(wire.client.half_read_rows().unwrap()).unwrap();
    wire.frames_left = usize::MAX;
    wire.client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::Entries(kept + 1, 0)).unwrap();
    let Told::Rows(rest) = wire.run() else { panic!("no rows") };
    assert_eq!(rest.len(), ROWS - kept as usize);
    // Another command has forgotten the half read before.
    assert_eq!(wire.client.resume_profile(0), Err(Misuse::NothingToResume.into()));
    assert_eq!(wire.client.half_read_rows(), None);
}

/// Rows handed over between two blocks and the rest asked for later make the whole, in both ways of naming.
#[test]
fn what_was_interrupted_and_the_rest_make_the_whole() {
    for referencing in [Referencing::LogicalNames, Referencing::ShortNames] {
        let mut most = 0;
        for frames in 3..24 {
            let mut wire = Wire::new(false, referencing);
            wire.client.read_profile(0, obis::LOAD_PROFILE, ProfileRange::All).unwrap();
            let (mut sent, mut reply) = (0, Vec::new());
            // The frame after these is made, and never leaves.
            loop {
                match wire.client.poll_output() {
                    Output::Transmit(_) if sent == frames => break,
                    Output::Transmit(frame) => {
                        sent += 1;
                        assert!(wire.server.handle_receive(&mut wire.model, frame, &mut reply));
                        wire.client.handle_receive(0, &reply);
                    }
                    Output::Timeout(_) => break,
                    _ => {}
                }
            }
            let first = wire.client.interrupt();
            assert!(wire.client.is_idle() && wire.client.is_associated());
            assert_eq!(wire.client.half_read_rows(), None, "handed over");
            let had = first.as_ref().map_or(0, taa_dlms::cosem::ProfileRows::len);
            let from = START_UNIX_S + 3600 * had as i64;
            let range = ProfileRange::Between(from, START_UNIX_S + 3600 * ROWS as i64);
            wire.client.read_profile(0, obis::LOAD_PROFILE, range).unwrap();
            let Told::Rows(rest) = wire.run() else { panic!("no rows") };
            assert_eq!(had + rest.len(), ROWS, "{referencing:?} after {frames} frames");
            most = most.max(had);
        }
        assert!(most > 0, "{referencing:?}");
    }
}

/// The time for an answer begins when the frame leaves the queue of a shared link.
#[test]
fn a_frame_that_waited_for_its_turn_has_its_full_time() {
    let mut wire = Wire::new(false, Referencing::LogicalNames);
    wire.client.associate(0).unwrap();
    assert!(matches!(wire.client.poll_output(), Output::Transmit(_)));
    let timeout = 20_000_000_000;
    assert_eq!(wire.client.deadline(), Some(timeout));
    wire.client.handle_transmitted(7_000_000_000);
    assert_eq!(wire.client.deadline(), Some(timeout + 7_000_000_000));
}
