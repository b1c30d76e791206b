// SPDX-License-Identifier: MIT
// The library's objects with owners, its errors as exit statuses, and the machine to look at.
#pragma once

#include "arguments.h"

#include <hwa/hwa.h>

#include <memory>
#include <string>
#include <vector>

namespace hwa::tool {

/// Releases an object by its own function.
template <auto release> struct Release {
    template <class T> void operator()(T *object) const { release(object); }
};

using System = std::unique_ptr<hwa_system_t, Release<hwa_system_free>>;
using Model = std::unique_ptr<hwa_model_t, Release<hwa_model_free>>;
using Plan = std::unique_ptr<hwa_plan_t, Release<hwa_plan_free>>;
using Monitor = std::unique_ptr<hwa_monitor_t, Release<hwa_monitor_free>>;
using Queue = std::unique_ptr<hwa_queue_t, Release<hwa_queue_free>>;
using Buffer = std::unique_ptr<hwa_buffer_t, Release<hwa_buffer_free>>;
using Program = std::unique_ptr<hwa_program_t, Release<hwa_program_free>>;
using Event = std::unique_ptr<hwa_event_t, Release<hwa_event_free>>;

/// An owner as the `out_` parameter of a call.
template <class Owner> class Out {
  public:
    explicit Out(Owner &owner) : owner_(owner) {}
    ~Out() { owner_.reset(made_); }
    Out(const Out &) = delete;
    Out &operator=(const Out &) = delete;
    operator typename Owner::pointer *() { return &made_; }

  private:
    Owner &owner_;
    typename Owner::pointer made_ = nullptr;
};

/// Says what the library said, and what to do next; returns the exit status for it.
int fail(const hwa_error_t &error, std::string_view hint = {});

/// The machine that the arguments name: this one, a tree or a saved one. On failure the error has
/// been said, and `*exit` is set.
System look(const LookAt &at, int *exit, const std::string &capture_dir = {});

/// An info struct, filled; all unknown where the library refuses.
hwa_system_info_t info_of(const hwa_system_t *system);
hwa_device_info_t info_of(const hwa_device_t *device);
hwa_backend_info_t backend_at(const hwa_system_t *system, uint32_t index);
hwa_runtime_info_t runtime_at(const hwa_device_t *device, uint32_t index);

std::vector<const hwa_device_t *> devices_of(const hwa_system_t *system);

/// A device that is made for the work: neither a processor nor emulated by one.
bool is_accelerator(const hwa_device_info_t &info);

/// Anything but found, absent and skipped.
bool is_trouble(hwa_outcome_t outcome);
const char *outcome_name(hwa_outcome_t outcome);

/// Says that there is no such device, naming those there are; returns the exit status.
int no_such_device(const hwa_system_t *system, const std::string &id);

/// "" for NULL.
inline std::string or_empty(const char *text) {
    return text == nullptr ? std::string() : std::string(text);
}

} // namespace hwa::tool
