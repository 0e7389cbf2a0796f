//! Wi-SUN: classes 95–98 (Blue Book 4.18). They feed the mesh's telemetry.
//!
//! The public sources give names and outer types. Types inside structures and the codes of most enumerations they do
//! not give: those fields are open, and enumerations are left as numbers.

use crate::axdr::{Octets, Value};
use crate::cosem::class::class;
use crate::cosem::convert::{Cosem, enumeration, record};
use crate::cosem::{Code, Open, Zero};

enumeration! {
    /// Mode of operation (RFC 6550, 20.3).
    RplMode {
        NoDownward = 0, "no downward routes";
        NonStoring = 1, "non-storing";
        Storing = 2, "storing without multicast";
        StoringMulticast = 3, "storing with multicast";
    }
}

record! {
    /// Channel plan.
    ChannelPlan { regulatory_domain: Open, operating_class: Open, }
}

class! {
    /// Class 95, Wi-SUN setup.
    WiSunSetup = 95 v 0, "Wi-SUN setup", sn 0x78;
    2 network_name: Octets = read_write;
    3 routing_method: Code = read;
    4 pan_id: u16 = read;
    5 disc_imin: u8 = read_write;
    6 disc_imax: u8 = read_write;
    7 data_message_imin: u8 = read_write;
    8 data_message_imax: u8 = read_write;
    9 default_dio_interval_min: u8 = read_write;
    10 default_dio_interval_doublings: u8 = read_write;
    11 channel_plan: ChannelPlan = read_write;
    12 channel_function: Code = read_write;
    13 excluded_channels: Value = read_write;
    14 join_state: Code = read;
    15 reg_channel_exclusions: Open = read_write;
    fn 1 reset_join_state(Zero);
}

record! {
    /// A neighbour of the mesh.
    WiSunNeighbour {
        /// EUI-64.
        neighbour_id: Open,
        neighbour_type: Open,
        device_rank: Open,
        rssi: Open,
        etx_to_parent: Open,
    }
    /// What went to and came from a neighbour.
    WiSunTransmissions {
        /// EUI-64.
        neighbour_id: Open,
        receptions: Open,
        transmissions_ok: Open,
        transmissions_failed: Open,
    }
}

class! {
    /// Class 96, Wi-SUN diagnostic.
    WiSunDiagnostic = 96 v 0, "Wi-SUN diagnostic", sn 0;
    2 sys_descr: Open = read;
    3 if_number: Open = read;
    /// The interfaces table of RFC 1213: description, address, octets, packets, errors in and out, queue.
    4 if_table: Open = read;
    5 neighbour_table: Vec<WiSunNeighbour> = read;
    6 transmission_table: Vec<WiSunTransmissions> = read;
    fn 1 reset(Zero);
}

class! {
    /// Class 97, RPL diagnostic (RFC 6550).
    RplDiagnostic = 97 v 0, "RPL diagnostic", sn 0x48;
    2 rpl_instance_id: u8 = read;
    3 dodag_version_number: u8 = read;
    4 dodag_rank: i16 = read;
    5 grounded: bool = read;
    6 mode_of_operation: RplMode = read;
    7 dodag_prf: u8 = read;
    8 dodag_dtsn: u8 = read;
    /// IPv6 address.
    9 dodag_id: Octets = read;
    fn 1 reset(Zero);
}

class! {
    /// Class 98, MPL diagnostic (RFC 7731). The short names of its attributes are irregular.
    MplDiagnostic = 98 v 0, "MPL diagnostic", sn 0x70;
    2 proactive_forwarding: bool = read;
    3 z: u8 = read;
    4 tunit: u8 = read;
    5 se_lifetime: u16 = read;
    6 dm_k: u8 = read;
    7 dm_imin: u16 = read;
    8 dm_imax: u8 = read;
    9 dm_t_exp: u16 = read;
    10 c_k: u8 = read;
    11 c_imin: u16 = read;
    12 c_imax: u8 = read;
    13 c_t_exp: u16 = read;
    fn 1 reset(Zero);
}

impl RplDiagnostic {
    /// The rank as RPL counts it: 16 bits without sign, though the class has a signed type.
    #[must_use]
    pub fn rank(&self) -> Option<u16> {
        self.dodag_rank.map(i16::cast_unsigned)
    }
}

impl WiSunNeighbour {
    /// The address, when the meter gives it as eight bytes.
    #[must_use]
    pub fn eui64(&self) -> Option<[u8; 8]> {
        self.neighbour_id.0.as_bytes()?.try_into().ok()
    }

    /// RSSI and ETX as numbers, whatever their width.
    #[must_use]
    pub fn rssi_and_etx(&self) -> (Option<i64>, Option<i64>) {
        (i64::from_value(&self.rssi.0), i64::from_value(&self.etx_to_parent.0))
    }
}
