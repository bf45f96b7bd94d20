//! The undo log that makes a store rewindable.

/// Undo records of one store, kept only between a checkpoint and its end.
#[derive(Debug, Clone)]
pub(crate) struct Journal<U> {
    recording: bool,
    undo: Vec<U>,
}

impl<U> Default for Journal<U> {
    fn default() -> Self {
        Self {
            recording: false,
            undo: Vec::new(),
        }
    }
}

impl<U> Journal<U> {
    /// Forgets what it holds and starts recording.
    pub(crate) fn start(&mut self) {
        self.undo.clear();
        self.recording = true;
    }

    /// Forgets what it holds and stops recording.
    pub(crate) fn stop(&mut self) {
        self.undo.clear();
        self.recording = false;
    }

    /// Stops recording and gives the records, newest last: undo them from the back.
    pub(crate) fn take(&mut self) -> Vec<U> {
        self.recording = false;
        std::mem::take(&mut self.undo)
    }

    /// Whether changes are being recorded.
    pub(crate) const fn is_recording(&self) -> bool {
        self.recording
    }

    /// Records how to take back the change about to be made.
    #[inline]
    pub(crate) fn note(&mut self, undo: impl FnOnce() -> U) {
        if self.recording {
            self.undo.push(undo());
        }
    }

    /// The records so far, oldest first.
    pub(crate) fn records(&self) -> &[U] {
        &self.undo
    }
}
