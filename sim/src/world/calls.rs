//! Customers call the operator.

use super::{Event, Village};
use crate::kernel::Queue;

impl Village<'_> {
    /// This customer rings up about the dark. What the operator makes of it is the repair's business.
    pub(crate) fn customer_calls(&mut self, customer: u32, now_ms: u64, queue: &mut Queue<Event>) {
        let id = self.scenario.village.customers[customer as usize].id.clone();
        let operator = self.scenario.comms.payments.operator(self.people.of(customer).identity.key);
        if self.wan.phone_signal(operator).is_err() {
            self.log(now_ms, "call", id, "cannot reach the operator: no signal".to_owned());
            return;
        }
        self.log(now_ms, "call", id, "calls the operator".to_owned());
        self.called(customer, now_ms, queue);
    }
}
