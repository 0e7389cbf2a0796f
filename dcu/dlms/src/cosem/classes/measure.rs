//! Measurement: classes 1, 3–7, 62, 63 (Blue Book 4.3).

use crate::axdr::{DateTime, Octets, Value};
use crate::cosem::class::class;
use crate::cosem::convert::{enumeration, record};
use crate::cosem::{CaptureObject, ScalerUnit, Zero};
use crate::obis::Obis;

class! {
    /// Class 1, Data: one value of any type.
    Data = 1 v 0, "Data", sn 0;
    2 value: Value = read;
}

class! {
    /// Class 3, Register: a value with scaler and unit.
    Register = 3 v 0, "Register", sn 0x28;
    2 value: Value = read;
    3 scaler_unit: ScalerUnit = read;
    fn 1 reset(Zero);
}

class! {
    /// Class 4, Extended register: also a status, and when the value was taken.
    ExtendedRegister = 4 v 0, "Extended register", sn 0x38;
    2 value: Value = read;
    3 scaler_unit: ScalerUnit = read;
    4 status: Value = read;
    5 capture_time: DateTime = read;
    fn 1 reset(Zero);
}

class! {
    /// Class 5, Demand register: averages over `number_of_periods` periods of `period` seconds.
    DemandRegister = 5 v 0, "Demand register", sn 0x48;
    2 current_average_value: Value = read;
    3 last_average_value: Value = read;
    4 scaler_unit: ScalerUnit = read;
    5 status: Value = read;
    6 capture_time: DateTime = read;
    7 start_time_current: DateTime = read;
    /// Seconds.
    8 period: u32 = read_write;
    9 number_of_periods: u16 = read_write;
    fn 1 reset(Zero);
    fn 2 next_period(Zero);
}

record! {
    /// An object by class and name.
    ObjectDefinition { class_id: u16, logical_name: Obis, }
    /// Which of the assigned registers count under a mask.
    RegisterMask {
        mask_name: Octets,
        /// Indices into the assignment, from 1.
        index_list: Vec<u8>,
    }
}

class! {
    /// Class 6, Register activation: which tariff registers count.
    RegisterActivation = 6 v 0, "Register activation", sn 0x30;
    2 register_assignment: Vec<ObjectDefinition> = read;
    3 mask_list: Vec<RegisterMask> = read;
    4 active_mask: Octets = read_write;
    fn 1 add_register(ObjectDefinition);
    fn 2 add_mask(RegisterMask);
    fn 3 delete_mask(Octets);
}

enumeration! {
    /// How the rows of a profile are ordered.
    SortMethod {
        Fifo = 1, "first in, first out";
        Lifo = 2, "last in, first out";
        Largest = 3, "largest value first";
        Smallest = 4, "smallest value first";
        NearestToZero = 5, "nearest to zero first";
        FarthestFromZero = 6, "farthest from zero first";
    }
    /// What makes class 62 capture.
    CaptureMethod {
        Invoke = 0, "by the method `capture`";
        Implicit = 1, "by reading the buffer";
    }
}

class! {
    /// Class 7, Profile generic. Rows are read with [`crate::Client::read_profile`], not through this struct.
    ProfileGeneric = 7 v 1, "Profile generic", sn 0x58;
    2 buffer: Value = buffer;
    3 capture_objects: Vec<CaptureObject> = read_write;
    /// Seconds; 0 captures on order only.
    4 capture_period: u32 = read_write;
    5 sort_method: SortMethod = read_write;
    6 sort_object: CaptureObject = read_write;
    7 entries_in_use: u32 = read;
    8 profile_entries: u32 = read_write;
    fn 1 reset(Zero);
    fn 2 capture(Zero);
}

class! {
    /// Class 62, Compact data: the values of a template, without their tags.
    CompactData = 62 v 1, "Compact data", sn 0x30;
    2 compact_buffer: Octets = read;
    /// The first is the template's own number.
    3 capture_objects: Vec<CaptureObject> = read_write;
    4 template_id: u8 = read_write;
    5 template_description: Octets = read;
    6 capture_method: CaptureMethod = read_write;
    fn 1 reset(Zero);
    fn 2 capture(Zero);
}

record! {
    /// What the bits of a status word mean: entries of a reference table.
    MappingTable {
        ref_table_id: u8,
        /// unsigned for consecutive entries, or an array with one entry number for each bit.
        ref_table_mapping: Value,
    }
}

class! {
    /// Class 63, Status mapping.
    StatusMapping = 63 v 0, "Status mapping", sn 0;
    2 status_word: Value = read;
    3 mapping_table: MappingTable = read;
}
