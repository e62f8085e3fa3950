//! The steps of each job: the only place where resources meet bytes.
