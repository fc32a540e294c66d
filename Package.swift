// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "hubgate",
    products: [.executable(name: "hubgate", targets: ["Server"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2")
    ],
    targets: [
        .target(
            name: "CEvent",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [
                "mimalloc", "event_core", "event_extra", "event_openssl", "curl", "cares", "ssl", "crypto", "yaml",
                "seccomp",
            ].map { .linkedLibrary($0) }
        ),
        .target(name: "Hub", swiftSettings: strict),
        .executableTarget(
            name: "Server",
            dependencies: ["CEvent", "Hub", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        .testTarget(name: "HubTests", dependencies: ["Hub"], swiftSettings: strict),
        .testTarget(name: "ServerTests", dependencies: ["Server", "CEvent", "Hub"], swiftSettings: strict),
    ]
)
