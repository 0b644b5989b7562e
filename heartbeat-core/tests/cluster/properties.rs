//! Random faults in random order.
