//! What the control socket answers from its first moment on: while the daemon still waits for something,
//! what that is; what is on disk; and all else once the daemon runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use heartbeat_core::Slot;

use super::history::History;
use super::operator::Operator;
use crate::control::{
    AlarmsStatus, Bucket, Details, Event, Handler, InfoAnswer, InfoRequest, Membership, NodeStatus,
    PinnedMap, Running, SinkTest, Status, pinned_maps,
};
use crate::metrics::{Measured, Source};

/// The control socket's side of the daemon; cheap to clone.
#[derive(Clone)]
pub(super) struct Front(Arc<Inner>);

struct Inner {
    history: Arc<Mutex<History>>,
    bpf_dir: PathBuf,
    waits_for: Mutex<Option<String>>,
    operator: OnceLock<Operator>,
}

impl Front {
    pub(super) fn new(history: Arc<Mutex<History>>, bpf_dir: PathBuf) -> Self {
        Self(Arc::new(Inner {
            history,
            bpf_dir,
            waits_for: Mutex::new(None),
            operator: OnceLock::new(),
        }))
    }

    /// The daemon waits for this before it can start.
    pub(super) fn waits_for(&self, what: String) {
        *self.lock() = Some(what);
    }

    /// The daemon runs.
    pub(super) fn open(&self, operator: Operator) {
        // Called once: a daemon starts once.
        let _ = self.0.operator.set(operator);
    }

    fn operator(&self) -> Result<&Operator, String> {
        self.0.operator.get().ok_or_else(|| match &*self.lock() {
            Some(what) => format!(
                "heartbeatd is waiting for {what}; this node takes no part in its cluster until then"
            ),
            None => "heartbeatd is starting: ask again in a moment".to_owned(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        // One assignment: a panic elsewhere leaves nothing half done.
        self.0
            .waits_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Front {
    async fn measured(&self) -> Result<Measured, String> {
        self.operator()?.measured().await
    }
}

impl Handler for Front {
    async fn status(&self) -> Result<Status, String> {
        self.operator()?.status().await
    }

    async fn history(&self) -> Vec<Event> {
        let history = self.0.history.lock();
        history.unwrap_or_else(PoisonError::into_inner).events()
    }

    fn maps(&self) -> Vec<PinnedMap> {
        pinned_maps(&self.0.bpf_dir)
    }

    async fn alarms(&self) -> Result<AlarmsStatus, String> {
        self.operator()?.alarms().await
    }

    async fn test_alarms(&self) -> Result<Vec<SinkTest>, String> {
        self.operator()?.test_alarms().await
    }

    async fn details(&self) -> Result<Details, String> {
        self.operator()?.details()
    }

    async fn lateness(&self) -> Result<Vec<Bucket>, String> {
        self.operator()?.lateness().await
    }

    async fn members(&self) -> Result<Membership, String> {
        self.operator()?.members().await
    }

    async fn nodes(&self) -> Result<Vec<NodeStatus>, String> {
        Ok(self.operator()?.nodes.ask_all().await)
    }

    async fn apply_members(&self) -> Result<String, String> {
        self.operator()?.apply_members().await
    }

    async fn switchover(&self, to: Option<Slot>) -> Result<String, String> {
        self.operator()?.switchover(to).await
    }

    async fn reload(&self) -> Result<String, String> {
        self.operator()?.reload().await
    }

    async fn configuration(&self) -> Result<Running, String> {
        self.operator()?.running().await
    }

    async fn info(&self, request: InfoRequest) -> Result<InfoAnswer, String> {
        self.operator()?.info(request).await
    }

    async fn restart(&self) -> Result<String, String> {
        self.operator()?.restart().await
    }

    async fn force(&self, cluster: String) -> Result<String, String> {
        self.operator()?.force(&cluster).await
    }

    async fn maintenance(&self, on: bool) -> Result<String, String> {
        self.operator()?.maintenance(on).await
    }
}
