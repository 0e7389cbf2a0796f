//! What one meter has set for itself: scaler, columns of its profile, what it pushes.

use taa_dlms::{
    AttributeRef, Obis, Value,
    client::ReadResult,
    cosem::{CaptureObject, ProfileRows, ScalerUnit, Unit, clock},
};

use super::layout::Layout;
use crate::reading::Lack;

/// Power of ten beyond which no energy register makes sense.
const SCALER_MAX: u8 = 9;

/// Answers to [`Layout::questions`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// Power of ten of the energy register, Wh.
    pub(crate) scaler: i8,
    pub(crate) profile: Option<Columns>,
    /// Where the alarm descriptor stands in a push.
    pub(crate) pushed_at: Option<usize>,
}

/// Where clock and energy stand in a row of a load profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) profile: Obis,
    /// Seconds between rows; what a null clock advances by.
    pub(crate) period_s: u32,
    width: usize,
    clock: usize,
    energy: usize,
}

impl Own {
    /// Reads the answers; `None` for an answer that makes no sense. The name is judged by the caller.
    pub(crate) fn read(layout: &Layout, answers: &[ReadResult]) -> Option<Result<Self, Lack>> {
        let mut answers = answers.iter().skip(1);
        let Ok(unit) = answers.next()? else { return Some(Err(Lack::EnergyUnit)) };
        let unit = ScalerUnit::from_value(unit)?;
        if unit.unit != Unit::WattHour || unit.scaler.unsigned_abs() > SCALER_MAX {
            return Some(Err(Lack::EnergyUnit));
        }
        let mut profile = None;
        for obis in &layout.profiles {
            let (columns, period) = (answers.next()?, answers.next()?);
            // A profile that cannot be understood is passed over.
            let (Ok(columns), Ok(period)) = (columns, period) else { continue };
            profile = profile.or_else(|| Columns::find(*obis, columns, period, layout.energy));
        }
        let pushed_at = layout.alarms.and_then(|alarms| {
            let listed = answers.next()?.as_ref().ok()?;
            listed.elements()?.iter().position(|object| is_object(object, alarms.descriptor))
        });
        Some(Ok(Self { scaler: unit.scaler, profile, pushed_at }))
    }

    /// Register × 10^scaler in Wh; parts of a Wh are cut off, which the next reading makes good.
    pub(crate) fn wh(&self, raw: u64) -> u64 {
        let factor = 10_u64.saturating_pow(u32::from(self.scaler.unsigned_abs()));
        if self.scaler >= 0 { raw.saturating_mul(factor) } else { raw.checked_div(factor).unwrap_or(0) }
    }

    /// Time and energy of each row that has both (Unix second, Wh); `None` for rows of another width than the columns.
    pub(crate) fn rows(&self, rows: &ProfileRows) -> Option<Vec<(i64, u64)>> {
        let columns = self.profile?;
        if !rows.is_empty() && rows.columns() != columns.width {
            return None;
        }
        // Meters may write a null for "as above": those are filled in first.
        let mut rows = rows.clone();
        rows.expand_nulls(columns.period_s);
        let read = |row: &[Value]| {
            let stamp = row.get(columns.clock..=columns.clock)?;
            Some((rows.unix_s(stamp)?, self.wh(row.get(columns.energy)?.as_u64()?)))
        };
        Some(rows.rows().filter_map(read).collect())
    }
}

impl Columns {
    fn find(profile: Obis, columns: &Value, period: &Value, energy: AttributeRef) -> Option<Self> {
        let columns = columns.elements()?;
        let at = |is: &dyn Fn(&CaptureObject) -> bool| {
            columns.iter().position(|column| CaptureObject::from_value(column).is_some_and(|column| is(&column)))
        };
        Some(Self {
            profile,
            period_s: u32::try_from(period.as_u64()?).ok()?,
            width: columns.len(),
            clock: at(&|c| (c.class, c.attribute, c.data_index) == (clock::CLASS, clock::TIME, 0))?,
            energy: at(&|c| *c == CaptureObject::new(energy.class, energy.obis, energy.attribute))?,
        })
    }
}

/// A push object definition (class 40) that names the whole of this attribute: class, name, attribute, data index; later
/// versions add a restriction.
fn is_object(object: &Value, attribute: AttributeRef) -> bool {
    let Some([Value::U16(class), name, Value::I8(number), Value::U16(0), ..]) = object.elements() else { return false };
    (*class, *number) == (attribute.class, attribute.attribute) && name.as_bytes() == Some(&attribute.obis.0)
}
