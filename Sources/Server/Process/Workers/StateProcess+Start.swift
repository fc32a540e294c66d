extension StateProcess {
    /// Gives up what it does not need first. The parent warns where that is not possible.
    func run(restrictedBy settings: Settings) -> Int32 {
        var hardening = Hardening()
        hardening.restrictStateProcess(settings)
        return run()
    }
}
