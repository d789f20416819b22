use super::Classes;
pub(super) const CLASSES: Classes = &[];
