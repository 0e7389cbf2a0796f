//! Customers call the operator.

use super::{Event, Village};
use crate::kernel::Queue;

impl Village<'_> {
    /// This customer rings up about the dark. What the operator makes of it is the repair's business.
    pub(crate) fn customer_calls(&mut self, customer: u32, now_ms: u64, _queue: &mut Queue<Event>) {
        let id = self.scenario.village.customers[customer as usize].id.clone();
        self.log(now_ms, "call", id, "calls the operator".to_owned());
    }
}
