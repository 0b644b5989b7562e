//! What is wrong with a configuration, and how a person is told.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// One thing wrong: where, why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Bytes of the file that it is about; `None` when it is about the file as a whole.
    at: Option<Range<usize>>,
    /// Another place that belongs to it, and what stands there.
    also: Option<(Range<usize>, String)>,
    cause: String,
    cure: String,
}

impl Fault {
    /// A fault at these bytes of the file.
    pub(super) fn new(at: Range<usize>, cause: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            at: Some(at),
            ..Self::of_file(cause, cure)
        }
    }

    /// A fault of the file as a whole.
    pub(super) fn of_file(cause: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            at: None,
            also: None,
            cause: cause.into(),
            cure: cure.into(),
        }
    }

    /// Shows a second place beside the first.
    pub(super) fn also(mut self, at: Range<usize>, what: impl Into<String>) -> Self {
        self.also = Some((at, what.into()));
        self
    }
}

/// Everything that is wrong with a configuration file; its `Display` is the report for the operator.
#[derive(Debug)]
pub struct ConfigErrors {
    path: PathBuf,
    source: String,
    faults: Vec<Fault>,
}

impl ConfigErrors {
    pub(super) fn new(path: &Path, source: String, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.at.as_ref().map(|at| (at.start, at.end)));
        Self {
            path: path.to_owned(),
            source,
            faults,
        }
    }

    /// How many things are wrong; never 0.
    #[must_use]
    pub fn count(&self) -> usize {
        self.faults.len()
    }

    fn report<'a>(&'a self, path: &'a str, fault: &'a Fault) -> Group<'a> {
        let title = Level::ERROR.primary_title(fault.cause.as_str());
        let cure = Level::HELP.message(fault.cure.as_str());
        let Some(at) = &fault.at else {
            return title
                .element(annotate_snippets::Origin::path(path))
                .element(cure);
        };
        let mut snippet = Snippet::source(self.source.as_str())
            .path(path)
            .annotation(AnnotationKind::Primary.span(at.clone()));
        if let Some((at, what)) = &fault.also {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(at.clone())
                    .label(what.as_str()),
            );
        }
        title.element(snippet).element(cure)
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display().to_string();
        for fault in &self.faults {
            let report = [self.report(&path, fault)];
            writeln!(f, "{}\n", Renderer::plain().render(&report))?;
        }
        match self.faults.len() {
            1 => write!(f, "1 error in {path}"),
            count => write!(f, "{count} errors in {path}"),
        }
    }
}

impl std::error::Error for ConfigErrors {}
