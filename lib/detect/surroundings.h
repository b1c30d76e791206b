// SPDX-License-Identifier: MIT
// What the machine is seen from and runs in: container, cloud, Kubernetes.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Puts in the attributes "container.kind", "cloud.provider", "cloud.instance",
/// "kubernetes.namespace", "machine.vendor" and "machine.product" as far as they are known, and the
/// flags that go with them. Asks no network.
void find_surroundings(const os::Host &host, core::System &system);

} // namespace hwa::detect
