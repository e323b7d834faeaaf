import type { letters as english } from "./en.letters.ts";

/** 邮件：标题、链接之前的话、链接文字、链接之后的话。 */
export const letters: typeof english = {
  hello: (username) => `${username}，你好：`,
  helloStranger: "你好：",
  end: (host) => `Duet，${host}。本邮件自动发出，请勿回复。`,
  reset: {
    subject: (host) => `在 ${host} 设新密码`,
    before: ["有人（希望是你本人）要求为此账号设新密码。"],
    link: "设新密码",
    after: [
      "链接只能用一次，半小时内有效。设新密码后，所有设备都会退出登录；第二步验证仍会要求。",
      "不是你本人？那就什么都不用做：不打开链接，什么都不会改变。",
    ],
  },
  verify: {
    subject: (host) => `确认你在 ${host} 的邮箱`,
    before: [
      "有人（希望是你本人）在自己的账号中填写了这个邮箱。确认之前，它不能用来登录，也不能用来找回密码。",
    ],
    link: "确认这个邮箱",
    after: ["请在一天内，用已登录该账号的浏览器打开链接。", "账号不是你的？请不要打开，什么都不会发生。"],
  },
  email_changed: {
    subject: (host) => `你在 ${host} 的邮箱已更改`,
    before: (email) => [
      email === null
        ? "此账号不再有邮箱，有关它的邮件不再发到这里。"
        : `从现在起，有关此账号的邮件会发往 ${email}，不再发到这里。`,
    ],
    link: "撤销更改",
    after: ["不是你本人？72 小时内打开链接，账号会恢复为这个邮箱，所有设备退出登录；然后请设新密码。"],
  },
  notice: {
    subject: (event, host) => `${event}：你在 ${host} 的账号`,
    before: (event, where, at) => [`${event}。${where}${at}`],
    newDevice: "从新的设备或网络登录",
    where: (device, ip) => `来自 ${device}，${ip}。`,
    unknownDevice: "未知设备",
    link: "查看发生了什么",
    after: ["不是你本人？请设新密码，所有设备都会退出登录。"],
    afterFactor: ["不是你本人？请在账号页面的“登录方式”中移除它，并设新密码：所有设备都会退出登录。"],
  },
};
