//! How the responder sits on an interface.

/// How the responder may be attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttachMode {
    /// Native, or generic where the driver has no native XDP, or where its answers reach only another end that has a
    /// program too: a veth.
    #[default]
    Auto,
    /// Native wherever the driver has it, or generic.
    NativeFirst,
    /// Native only.
    Native,
    /// Generic only.
    Generic,
}

impl AttachMode {
    pub(super) const fn allows(self, mode: Mode) -> bool {
        match self {
            Self::Auto | Self::NativeFirst => true,
            Self::Native => matches!(mode, Mode::Native),
            Self::Generic => matches!(mode, Mode::Generic),
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
}

impl Mode {
    pub(super) const fn of(native: bool) -> Self {
        if native { Self::Native } else { Self::Generic }
    }

    /// The name under which status shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }
}
