//! How the responder sits on an interface.

/// How the responder may be attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttachMode {
    /// Native, or generic where the driver has no native XDP, or where its answers reach only another end that has a
    /// program too: a veth. At tcx ingress where another XDP program is.
    #[default]
    Auto,
    /// The same, and native on a veth too.
    NativeFirst,
    /// Native only.
    Native,
    /// Generic only.
    Generic,
    /// At tcx ingress only (Linux 6.6).
    Tc,
}

impl AttachMode {
    pub(super) const fn allows(self, mode: Mode) -> bool {
        match self {
            Self::Auto | Self::NativeFirst => true,
            Self::Native => matches!(mode, Mode::Native),
            Self::Generic => matches!(mode, Mode::Generic),
            Self::Tc => matches!(mode, Mode::Tc),
        }
    }
}

/// How the responder is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the driver, before a socket buffer exists.
    Native,
    /// In the network stack.
    Generic,
    /// In the network stack, behind any XDP program.
    Tc,
}

impl Mode {
    /// Of an XDP program.
    pub(super) const fn of(native: bool) -> Self {
        if native { Self::Native } else { Self::Generic }
    }

    /// The name under which status shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Tc => "tc",
        }
    }
}
