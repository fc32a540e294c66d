import EventIO
import HTTP
import Hub

/// The gateway itself, and its requests.
extension AdminServices {
    var figures: JSON { Figures(metrics: metrics).json }

    // MARK: requests

    /// Rows that one response shows.
    private static let mostRows = 500

    var underWay: JSON { listed(tracker?.underWay(Self.mostRows) ?? [], count: tracker?.underWayCount ?? 0) }

    var recent: JSON {
        let rows = tracker?.recent ?? []
        return listed(rows, count: rows.count)
    }

    /// Each worker knows its own requests alone, so the response says which worker it is from.
    private func listed(_ rows: [JSON], count: Int) -> JSON {
        [
            "requests": .array(rows), "count": .integer(Int64(count)),
            "worker": .integer(Int64(state.control?.worker ?? 0)),
            "workers": .integer(Int64(state.control?.workers ?? 1)),
        ]
    }

    func cancel(_ id: String, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        guard id.hasPrefix("hg-"), id.utf8.count == 20 else { throw .notFound("such request under way") }
        guard caller.proof != nil else {
            guard tracker?.cancel(id) == true else { throw .notFound("such request under way") }
            return ["done": true]
        }
        // The state process tells all workers.
        _ = try await ask(.cancel, ["event": "cancel-request", "detail": .string(id)], by: caller, context)
        return ["done": true]
    }

    // MARK: control of the process

    func reload(_ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        guard let control = state.control else { throw Self.notSteered }
        try await note("reload", nil, by: caller, context)
        control.reload()
        return ["done": true]
    }

    func drain(_ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        guard let control = state.control else { throw Self.notSteered }
        try await note("drain", nil, by: caller, context)
        control.drain()
        return ["done": true]
    }

    private static let notSteered = Failure(
        .notFound, detail: "This gateway is a part of another program, which steers it.")

    // MARK: status

    func status(_ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        metrics.refresh()
        let now = Int64(WallClock.now.seconds)
        let started = Int64(clamping: metrics.total(.startTime) / 1_000_000)
        let certificate = Int64(clamping: metrics.total(.certificateExpiry) / 1_000_000)
        var status: [String: JSON] = [
            "version": .string(Version.number), "libraries": .string(Libraries.versions),
            "access": .string(settings.access.rawValue), "sandbox": .bool(settings.sandbox),
            "started": .string(WallClock.iso8601(started)), "uptime_seconds": .integer(max(0, now - started)),
            "workers": .integer(Int64(clamping: metrics.total(.workers))),
            "workers_wanted": .integer(Int64(state.control?.workers ?? 1)),
            "worker_restarts": .integer(Int64(clamping: metrics.total(.workerRestarts))),
            "draining": .bool(drainState.isDraining), "certificate_ends": .string(WallClock.iso8601(certificate)),
            "certificate_days_left": .integer(Int64((Double(certificate - now) / 86_400).rounded(.down))),
            "hub": await hub(context),
            "state_up": .null, "audit_up": .null, "disks": [:],
        ]
        if caller.proof != nil {
            status["state_up"] = .bool(metrics.total(.stateUp) > 0)
            status["audit_up"] = settings.auditDirectory.isEmpty ? .null : .bool(metrics.total(.auditUp) > 0)
            if let answer = try? await ask(.status, [:], by: caller, context),
                let disks = try? JSON.parse(answer.body, within: AdminOrder.limits)
            {
                status["disks"] = disks
            }
        }
        return .object(status)
    }

    private func hub(_ context: RequestContext) async -> JSON {
        do throws(Failure) {
            _ = try await hubProbe.probe(context)
            return ["reachable": true, "detail": .null]
        } catch {
            return ["reachable": false, "detail": .string(error.detail)]
        }
    }

    /// As `hubgate --print-config`.
    var allSettings: JSON {
        let rows = SettingsTable.all.map { setting -> JSON in
            [
                "name": .string(setting.name), "value": .string(setting.text(settings)),
                "from": .string(settings.origins[setting.name] ?? Provenance.default.description),
                "meaning": .string(setting.meaning), "reloadable": .bool(setting.isReloadable),
            ]
        }
        return ["settings": .array(rows)]
    }
}
